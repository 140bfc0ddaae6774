host "web-1" { address = "10.0.0.1" }

host "lb" { address = "10.0.0.9" }

release "shop" {
  version  = "1.0.0"
  artifact = "shop.tar.gz"
}

service "shop" {
  release = release.shop

  slot "main" {
    hosts = [host.web-1]
    port  = 8080
  }

  install { root = "/" }

  strategy "in_place" {}
}
