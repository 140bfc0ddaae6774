host "web-1" { address = "10.0.1.11" }

release "shop" {
  version  = "1.0.0"
  artifact = "dist/shop.tar.gz"
}

service "shop" {
  release = release.shop

  dynamic "slot" {
    for_each = { blue = 8081, green = 8082 }
    content {
      hosts = ["web-1"]
      port  = slot.value
    }
  }

  install { root = "/srv/shop" }
  strategy "in_place" {}
}
