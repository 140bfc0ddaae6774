release "shop" {
  version  = var.version
  artifact = "artifacts/shop-${var.version}"
}

service "shop" {
  release = release.shop

  # Two sides on the same machines: a release is put on the idle one, checked, and given the traffic in one step.
  slot "blue" {
    hosts = local.web
    port  = 8081
  }
  slot "green" {
    hosts = local.web
    port  = 8082
  }

  install {
    root = "~/srv/shop" # releases/, and a symlink for each slot
    keep = 3
  }

  process "exec" {
    command = ["node", "server.mjs"] # the Node that runs deployctl
    environment = {
      ADDRESS = host.address
      PORT    = slot.port
      HOST    = host.name
      SLOT    = slot.name
    }
    stop_timeout = "10s"
  }

  health "http" {
    path     = "/health"
    interval = "200ms"
    passes   = 2
    timeout  = "1s"
    deadline = "20s"
  }

  traffic "load_balancer" {
    load_balancer = load_balancer.edge
  }

  strategy "blue_green" {
    bake       = "1s"
    keep_warm  = true # the other side goes on running, so that a revert is one switch
    on_failure = "revert"
  }
}

locals {
  web = [for h in host.web : h.name if h.labels.role == "web"]
}

policy "lab" {
  min_in_service = "100%" # a blue-green rollout needs no less
}
