/** The configuration that `init` writes: one load balancer, two hosts, blue-green. It is valid and formatted as it is. */

export const startingBalancers = ['haproxy', 'nginx', 'caddy'] as const;
export type StartingBalancer = (typeof startingBalancers)[number];

const balancerBlocks: Readonly<Record<StartingBalancer, string>> = {
  haproxy: `load_balancer "haproxy" "edge" {
  hosts    = [host.lb-1]
  map_file = "/etc/haproxy/deployctl/edge.map" # must exist; it may be empty
}`,
  nginx: `load_balancer "nginx" "edge" {
  hosts     = [host.lb-1]
  flags_dir = "/etc/nginx/deployctl" # must exist, and belong to the user who deploys
}`,
  caddy: `load_balancer "caddy" "edge" {
  hosts     = [host.lb-1]
  flags_dir = "/etc/caddy/deployctl" # must exist, and belong to the user who deploys
}`,
};

export const balancerTitles: Readonly<Record<StartingBalancer, string>> = {
  haproxy: 'HAProxy',
  nginx: 'nginx',
  caddy: 'Caddy',
};

/** The whole text of `main.hcl`; `name` as it is typed after a command. */
export const startingConfiguration = (name: string, balancer: StartingBalancer): string => `\
# What runs in ${name}: one ${balancerTitles[balancer]}, two hosts, and a service that stands on them twice (blue and green).
# A release goes to the side without traffic, is checked there, and then gets all requests in one step.
#
#   deployctl validate ${name}                        # is the configuration right?
#   deployctl doctor ${name}                          # is everything there that a run needs?
#   deployctl plan ${name} --var version=1.0.0        # what would change, every step of it
#   deployctl apply ${name} --var version=1.0.0
#   deployctl revert ${name}                          # back, in one step
#
# All .hcl files of this folder are one configuration.

variable "version" {
  type        = string
  description = "The release to run"
  default     = "1.0.0"
}

# ── where things are: put your own here ──────────────────────────────────────────────────────────────

# How every host is reached. Their keys must be in known_hosts already: deployctl accepts no unknown one.
ssh "default" {
  user          = "deploy"
  identity_file = "~/.ssh/id_ed25519" # leave it out to ask the SSH agent
  become        = "sudo"              # "none" where that user may do everything itself
}

host "lb-1" {
  address = "10.0.0.5"
}

host "web" {
  for_each = {
    web-1 = "10.0.1.11"
    web-2 = "10.0.1.12"
  }
  address = each.value
}

# "deployctl snippet ${name} load_balancer.edge" prints what its own configuration must contain, once;
# with --full, a whole configuration that starts as it is.
${balancerBlocks[balancer]}

# ── what runs there ──────────────────────────────────────────────────────────────────────────────────

release "shop" {
  version  = var.version
  artifact = "../../dist/shop-\${var.version}.tar.gz" # a file, a folder, an archive (unpacked), or a URL with sha256
}

service "shop" {
  release = release.shop

  slot "blue" {
    hosts = local.web
    port  = 8081
  }
  slot "green" {
    hosts = local.web
    port  = 8082
  }

  install {
    root = "/srv/shop" # releases/ and a symlink for each slot; the user above must be able to write there
    keep = 5
  }

  # "systemd" writes a unit for each slot. "exec" needs no systemd; "script" calls a launcher of your own.
  process "systemd" {
    command = ["/usr/bin/java", "-jar", "shop.jar", "--server.port=\${slot.port}"]
    user    = "shop"
    environment = {
      SLOT = slot.name
    }
  }

  # A release gets no traffic before this answers 200.
  health "http" {
    path     = "/health"
    deadline = "60s"
  }

  traffic "load_balancer" {
    load_balancer = load_balancer.edge
  }

  strategy "blue_green" {
    bake       = "30s"    # how long it is watched under traffic before the run counts as done
    keep_warm  = true     # the other side goes on running: a revert is one switch
    on_failure = "revert" # or "pause", or "freeze"
  }
}

locals {
  web = [for h in host.web : h.name]
}

# What every plan for ${name} is held to.
policy "floor" {
  min_in_service = "100%" # blue-green needs no less; a rolling upgrade does
}
`;
