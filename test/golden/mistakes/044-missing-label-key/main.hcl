host "web" {
  for_each = { web-1 = "10.0.1.11" }
  address  = each.value
  labels   = { zone = "a" }
}

locals {
  web = [for h in host.web : h.name if h.labels.role == "web"]
}
