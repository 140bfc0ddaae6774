host "web-1" { address = "10.0.1.11" }

release "shop" {
  version  = "1.0.0"
  artifact = "shop.tar"
}

service "store" {
  release = release.shop
  slot "main" {
    hosts = [host.web-1]
  }
  install { root = "/srv/shop" }
  strategy "in_place" {}
}

moved {
  from = service.shop
  to   = service.store
}

moved {
  from = service.kiosk
  to   = service.store
}
