host "web-1" { address = "10.0.1.11" }
host "web-2" { address = "10.0.1.12" }

locals {
  all = [for h in host : h.name]
}
