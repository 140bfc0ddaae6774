release "shop" {
  version  = "1.0.0"
  artifact = "dist/shop.tar.gz"
}

service "shop" {
  release = release.shop
  slot "only" {
    hosts = ["wbe"]
    port  = 8080
  }
  install { root = "/srv/shop" }
  process "exec" {
    command = "bin/shop"
    port    = slot.port
  }
  health "http" { deadline = 60 }
  hook "before_start" { rnu = ["bin/warm", host.name] }
  strategy "in_place" {}
}
