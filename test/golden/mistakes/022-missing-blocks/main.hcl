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

  slot "main" {
    hosts = ["web-1"]
  }
}
