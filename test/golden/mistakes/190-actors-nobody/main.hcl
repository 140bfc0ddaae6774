host "web-1" { address = "10.0.1.11" }
host "web-2" { address = "10.0.1.12" }

load_balancer "haproxy" "edge" {
  hosts    = [host.web-1]
  map_file = "/etc/haproxy/edge.map"
}

release "shop" {
  version  = "1.0.0"
  artifact = "dist/shop.tar.gz"
}

service "shop" {
  release = release.shop

  slot "blue" {
    hosts = ["web-1", "web-2"]
    port  = 8081
  }
  slot "green" {
    hosts = ["web-1", "web-2"]
    port  = 8082
  }

  install {
    root = "/srv/shop"
  }

  process "systemd" {
    command = ["bin/serve"]
  }

  health "http" {
    path = "/health"
  }

  traffic "load_balancer" {
    load_balancer = load_balancer.edge
  }

  strategy "blue_green" {}
}

policy "prod" {
  actors = []
}
