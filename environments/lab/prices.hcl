# A service without a load balancer: its clients find it by name, and the record leads to one of its two sides.

release "prices" {
  version  = var.prices_version
  artifact = "artifacts/prices.mjs"
}

service "prices" {
  release = release.prices

  slot "blue" {
    hosts = [host.web["web-1"]]
    port  = 8090
  }
  slot "green" { # on another address: a record of type A has no port
    hosts = [host.web["web-2"]]
    port  = 8090
  }

  install {
    root = "~/srv/prices"
    keep = 3
  }

  process "exec" {
    command = ["node", "prices.mjs"]
    environment = {
      ADDRESS = host.address
      PORT    = slot.port
      VERSION = release.version
    }
  }

  health "http" {
    path     = "/health"
    interval = "200ms"
    passes   = 2
    timeout  = "1s"
    deadline = "20s"
  }

  traffic "dns" {
    dns_zone   = dns_zone.internal
    name       = "prices"
    ttl        = "2s" # waited out before a switch, so that no client still asks the other side
    switch_ttl = "1s"
  }

  strategy "blue_green" {
    on_failure = "revert"
  }
}
