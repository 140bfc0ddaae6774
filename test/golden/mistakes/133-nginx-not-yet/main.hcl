host "web-1" { address = "10.0.1.11" }
host "web-2" { address = "10.0.1.12" }

load_balancer "nginx" "inner" {
  hosts     = [host.web-1]
  flags_dir = "/etc/nginx/flags"
}
