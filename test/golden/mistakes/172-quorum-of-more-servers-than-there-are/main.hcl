host "web-1" { address = "10.0.1.11" }
host "web-2" { address = "10.0.1.12" }

secret "tsig" { env = "TSIG" }

dns_zone "rfc2136" "internal" {
  zone    = "internal.test."
  primary = "10.0.0.53:53"
  servers = ["10.0.0.53:53", "10.0.0.53:53"]
  quorum  = 2
  tsig {
    name   = "deployctl."
    secret = secret.tsig
  }
}

release "shop" {
  version  = "1.0.0"
  artifact = "dist/shop.tar.gz"
}

service "shop" {
  release = release.shop

  slot "blue" {
    hosts = ["web-1"]
    port  = 8081
  }
  slot "green" {
    hosts = ["web-2"]
    port  = 8082
  }

  install { root = "/srv/shop" }
  process "systemd" { command = ["bin/shop"] }
  health "http" {}
  strategy "blue_green" {}

  traffic "dns" {
    dns_zone = dns_zone.internal
    name     = "shop"
  }
}
