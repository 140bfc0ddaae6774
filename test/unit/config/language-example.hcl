deployctl {
  required_version = ">= 0.1.0"
  state "local" { path = ".deployctl/prod" } # the default; also postgres, http, s3 (design.md)
}

variable "version" {
  type        = string
  description = "What to run"
  default     = "1.0.0"
}

locals {
  web = [for h in host.web : h.name if h.labels.role == "web"]
}

output "release" { value = release.shop.version }

secret "tsig" {       # read when it is used; never in plan, state, log or argv
  env = "TSIG_SECRET" # or file = "...", or command = ["pass", "show", "tsig"]
}

ssh "default" { # how hosts are reached; "default" applies unless a host names another
  user            = "deploy"
  port            = 22
  identity_file   = "~/.ssh/id_ed25519"  # without it: the running agent
  known_hosts     = "~/.ssh/known_hosts" # strict: an unknown or changed host key stops before anything is sent
  become          = "sudo"               # how privileged steps run; "none" where not needed
  jump            = "lb-1"               # the name of another host
  connect_timeout = "5s"
  transport       = "openssh" # or "openssh": the ssh program, for certificates and FIDO keys
}

host "lb-1" { address = "10.0.0.5" }

host "web" { # host.web["web-1"]; its name is the key, with count it is "web-0"
  for_each = { web-1 = "10.0.1.11", web-2 = "10.0.1.12" }
  address  = each.value
  ssh      = ssh.default
  labels   = { role = "web", zone = "a" }
}

host "here" { connection = "local" } # this machine, without SSH

load_balancer "haproxy" "edge" {             # type, then name; hosts and pools: see below
  hosts         = [host.lb-1]                # a pair behind keepalived names both
  master_socket = "/run/haproxy-master.sock" # every worker is told, also those that are retiring
  map_file      = "/etc/haproxy/deployctl/edge.map"
  config_file   = "/etc/haproxy/deployctl/edge.cfg" # optional: deployctl writes the pools of its services into this file
}

load_balancer "nginx" "inner" {
  hosts     = [host.lb-1]
  flags_dir = "/etc/nginx/deployctl/inner" # read for each request: no reload in a switch
}

load_balancer "caddy" "api" {
  hosts     = [host.lb-1]
  flags_dir = "/etc/caddy/deployctl/api"
}

dns_zone "rfc2136" "internal" {
  zone    = "internal.test."
  primary = "10.0.0.53:53"
  servers = ["10.0.0.53:53", "10.0.0.54:53"] # every server whose answer must agree before a step is done
  tsig {
    name      = "deployctl."
    algorithm = "hmac-sha256"
    secret    = secret.tsig
  }
}

release "shop" { # what should run; CI changes only this, or a variable behind it
  version  = var.version
  artifact = "dist/shop-${var.version}.tar.gz" # relative to the environment's folder; a file, a folder or a URL
  sha256   = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"                     # required for a URL
  notes    = "Faster checkout"
}

service "shop" {
  release    = release.shop
  depends_on = [service.api] # services form a graph; independent ones run side by side

  slot "blue" {
    hosts = local.web # the same hosts on two ports, or two sets of hosts
    port  = 8081
  }
  slot "green" { # rolling and in_place use one slot
    hosts = local.web
    port  = 8082
  }

  install {             # Capistrano's layout, which people with VMs know
    root  = "/srv/shop" # releases/<version>-<first 8 of sha256>/, <slot> -> releases/..., shared/
    keep  = 5           # what a revert needs is never pruned
    owner = "shop"
  }

  process "systemd" { # one unit for each slot: shop-blue.service
    command      = ["/usr/bin/java", "-jar", "shop.jar", "--server.port=${slot.port}"]
    environment  = { SPRING_PROFILES_ACTIVE = "prod", SLOT = slot.name }
    user         = "shop"
    stop_timeout = "20s"
  }
  # or process "script", with start, stop and status: command lists of the service's own launcher
  # or process "exec", with command: started and supervised without a service manager

  health "http" { # also health "tcp" and health "command"
    path     = "/health"
    status   = 200
    interval = "500ms"
    passes   = 2
    timeout  = "2s"
    deadline = "60s"
  }

  traffic "load_balancer" {
    load_balancer = load_balancer.edge
    route         = "shop"                                       # default: the service's name
    pools         = { blue = "shop_blue", green = "shop_green" } # default: <service>_<slot>
  }
  traffic "dns" {
    dns_zone = dns_zone.internal
    name     = "shop"
    type     = "A"
    ttl      = "5s"
  }

  hook "before_install" {
    run     = ["bin/migrate", "--check"]
    on      = "first_host" # each_host | first_host | operator
    timeout = "2m"
  }

  strategy "blue_green" {
    bake       = "30s"    # watched under full traffic before the run ends
    keep_warm  = true     # the other slot goes on running, so that a revert is one switch
    on_failure = "revert" # revert | pause | freeze
  }
}

service "api" {
  release = release.shop

  slot "main" {
    hosts = [host.lb-1]
  }
  install {
    root = "/srv/api"
  }

  strategy "canary" {
    step {
      share = 1
      bake  = "5m"
    }
    step {
      share = 10
      bake  = "10m"
      audience { # these requests always get the canary, the rest by share
        header = { "X-Beta" = "1" }
        cookie = { plan = "pro" }
        query  = { beta = "1" }
      }
    }
    step {
      share    = 50
      approval = true # waits for `deployctl promote`
    }
    analysis "load_balancer" { # from the load balancer's own counters: nothing else to install
      max_error_rate    = 0.01
      max_latency_ratio = 1.2
      min_requests      = 500
    }
    analysis "prometheus" {
      url      = "http://10.0.0.9:9090"
      query    = "..."
      max      = 0.02
      interval = "30s"
      failures = 2
    }
    on_failure = "revert"
  }
}

service "batch" {
  release = release.shop

  slot "main" {
    hosts = [host.here]
  }
  install {
    root = "/srv/batch"
  }

  strategy "rolling" {
    batch        = "25%"
    pause        = "10s"
    max_failures = 0
  }
}

policy "prod" {
  min_in_service = "75%" # proved from the plan before it runs, and held while it runs
  max_share_step = 50
  approvals      = 1 # signatures that a saved plan needs before apply takes it
  freeze {
    from   = "2026-12-24T00:00:00Z"
    until  = "2026-12-27T00:00:00Z"
    reason = "holidays"
  }
}
