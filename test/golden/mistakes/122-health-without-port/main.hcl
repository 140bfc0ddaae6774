release "shop" {
  version  = "1.0.0"
  artifact = "dist/shop.tar.gz"
}

host "web-1" { address = "10.0.1.11" }
host "web-2" { address = "10.0.1.12" }

service "shop" {
  release = release.shop

  slot "main" {
    hosts = ["web-1"]
  }

  install {
    root = "/srv/shop"
  }

  health "http" {
    path = "/health"
  }

  strategy "in_place" {}
}
