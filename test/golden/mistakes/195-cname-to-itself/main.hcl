host "web-1" { address = "10.0.0.1" }

host "lb" { address = "10.0.0.9" }

release "shop" {
  version  = "1.0.0"
  artifact = "shop.tar.gz"
}

secret "tsig" { env = "TSIG" }

dns_zone "rfc2136" "internal" {
  zone    = "internal.test."
  primary = "10.0.0.53:53"
  tsig {
    name   = "deployctl."
    secret = secret.tsig
  }
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

  traffic "dns" {
    dns_zone = dns_zone.internal
    name     = "shop"
    type     = "CNAME"
    values   = { blue = ["shop.internal.test."], green = ["other.internal.test."] }
  }

  strategy "blue_green" {}
}
