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

load_balancer "haproxy" "inner" {
  hosts    = [host.lb]
  map_file = "/etc/haproxy/deployctl/edge.map"
}
