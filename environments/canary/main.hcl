# The lab again, with a canary: a new release gets 5% of the requests, then 25%, and all of them only if the load
# balancer's counters say that it is no worse than the one before.
#
#   deployctl lab up --traffic 200
#   deployctl plan canary
#   deployctl apply canary
#   deployctl apply canary --var version=2.0.0     # good: it climbs to 100%
#   deployctl apply canary --var version=2.1.0     # every fifth request fails: found at 5%, and taken back
#   deployctl revert canary
#
# It declares the same service on the same hosts as environments/lab: use one of the two.

variable "version" {
  type        = string
  description = "What to run: 1.0.0, 2.0.0, or 2.1.0, which has a fault"
  default     = "1.0.0"
}

variable "network" {
  type        = string
  description = "The lab's loopback addresses, as given to \"lab up --network\""
  default     = "127.7.0"
}

variable "approval" {
  type        = bool
  description = "Whether somebody has to promote it from 25%"
  default     = false
}

ssh "default" {
  port          = 2222
  identity_file = "../../.deployctl/lab/id_ed25519"
  known_hosts   = "../../.deployctl/lab/known_hosts"
  become        = "none"
}

host "lb-1" {
  address = "${var.network}.10"
}

host "web" {
  for_each = { web-1 = 11, web-2 = 12, web-3 = 13 }
  address  = "${var.network}.${each.value}"
}

load_balancer "lab" "edge" {
  hosts          = [host.lb-1]
  control_socket = "/tmp/deployctl-lab-${var.network}/edge.sock"
}

release "shop" {
  version  = var.version
  artifact = var.version == "2.1.0" ? "artifacts/shop-2.1.0" : "../lab/artifacts/shop-${var.version}"
}

service "shop" {
  release = release.shop

  # Two sides on the same machines: with them the balancer gives a share to the percent.
  slot "blue" {
    hosts = [for h in host.web : h.name]
    port  = 8081
  }
  slot "green" {
    hosts = [for h in host.web : h.name]
    port  = 8082
  }

  install {
    root = "~/srv/shop"
    keep = 3
  }

  process "exec" {
    command = ["node", "server.mjs"]
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

  strategy "canary" {
    step {
      share = 5
      bake  = "3s" # minutes, where not a lab sends the requests
      audience {
        header = { x-beta = "1" } # whoever asks for it gets it first
      }
    }
    step {
      share    = 25
      bake     = "3s"
      approval = var.approval
    }
    analysis "load_balancer" {
      max_error_rate = 0.01
      min_requests   = 20
      interval       = "500ms"
      deadline       = "30s"
    }
    on_failure = "revert"
  }
}

policy "canary" {
  min_in_service = "100%"
}
