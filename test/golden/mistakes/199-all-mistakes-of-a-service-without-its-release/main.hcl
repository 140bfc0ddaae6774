host "web" { address = "10.0.1.1" }

service "shop" {
  release = release.shop
  slot "only" {
    hosts = [host.web]
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
