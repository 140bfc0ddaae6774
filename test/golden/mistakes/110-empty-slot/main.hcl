host "web" {
  for_each = { web-1 = "10.0.1.11" }
  address  = each.value
  labels   = { role = "web" }
}

locals {
  web = [for h in host.web : h.name if h.labels.role == "wbe"]
}

release "shop" {
  version  = "1.0.0"
  artifact = "dist/shop.tar.gz"
}

service "shop" {
  release = release.shop

  slot "main" {
    hosts = local.web
  }

  install {
    root = "/srv/shop"
  }

  strategy "in_place" {}
}
