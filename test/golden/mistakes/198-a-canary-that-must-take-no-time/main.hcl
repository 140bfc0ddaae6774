host "web-1" { address = "10.0.0.1" }

host "lb" { address = "10.0.0.9" }

release "shop" {
  version  = "1.0.0"
  artifact = "shop.tar.gz"
}

load_balancer "haproxy" "edge" {
  hosts    = [host.lb]
  map_file = "/etc/haproxy/deployctl/edge.map"
}

service "shop" {
  release = release.shop

  slot "blue" {
    hosts = [host.web-1]
    port  = 8081
  }
  slot "green" {
    hosts = [host.web-1]
    port  = 8082
  }

  install { root = "/srv/shop" }

  process "exec" { command = ["bin/serve"] }

  health "http" {}

  traffic "load_balancer" { load_balancer = load_balancer.edge }

  strategy "canary" {
    step {
      share = 10
    }
    analysis "load_balancer" { max_latency_ratio = 0 }
  }
}
