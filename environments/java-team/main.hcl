# Two hosts, one HAProxy, and a jar that is started by the service's own launcher:
#
#   app/build.sh 1.0.0                               # dist/shop-1.0.0.tar.gz
#   deployctl plan java-team
#   deployctl apply java-team                        # the first deployment
#   app/build.sh 2.0.0
#   deployctl apply java-team --var version=2.0.0    # to the idle side, checked, then all traffic in one step
#   deployctl revert java-team                       # back, in one step
#
# README.md says what to change for a service of your own.

variable "version" {
  type        = string
  description = "What to run"
  default     = "1.0.0"
}

variable "addresses" {
  description = "Where the hosts are"
  type        = object({ lb-1 = string, web-1 = string, web-2 = string })
  default     = { lb-1 = "10.0.0.5", web-1 = "10.0.1.11", web-2 = "10.0.1.12" }
}

variable "identity_file" {
  type        = string
  description = "The private key of the user deploy"
  default     = "~/.ssh/id_ed25519"
}

variable "known_hosts" {
  type        = string
  description = "The host keys; ssh-keyscan writes them, and a person compares them"
  default     = "~/.ssh/known_hosts"
}

ssh "default" {
  user          = "deploy"
  identity_file = var.identity_file
  known_hosts   = var.known_hosts
  become        = "sudo" # "deployctl doctor java-team" prints the lines for sudoers
}

host "lb-1" { address = var.addresses.lb-1 }

host "web" {
  for_each = { for name, address in var.addresses : name => address if name != "lb-1" }
  address  = each.value
}

# "deployctl snippet java-team load_balancer.edge --full" prints a haproxy.cfg that fits.
load_balancer "haproxy" "edge" {
  hosts         = [host.lb-1]
  master_socket = "/run/haproxy-master.sock" # where Debian's and Ubuntu's unit puts it
  map_file      = "/etc/haproxy/deployctl/edge.map"
}

release "shop" {
  version  = var.version
  artifact = "dist/shop-${var.version}.tar.gz"
}

service "shop" {
  release = release.shop

  # Both sides on the same hosts. Each host needs the memory for two of them.
  slot "blue" {
    hosts = [for h in host.web : h.name]
    port  = 8081
  }
  slot "green" {
    hosts = [for h in host.web : h.name]
    port  = 8082
  }

  install {
    root  = "/srv/shop" # releases/, shared/, and a symlink for each slot
    keep  = 5
    owner = "shop"
  }

  process "script" {
    start  = ["bin/launcher.sh", "start"]
    stop   = ["bin/launcher.sh", "stop"]
    status = ["bin/launcher.sh", "status"]
    user   = "shop"

    environment = {
      PORT      = slot.port
      PID_FILE  = "/srv/shop/shared/shop-${slot.name}.pid"
      LOG_DIR   = "/srv/shop/shared/log-${slot.name}"
      JAVA_HOME = "/usr/lib/jvm/default-java"
      JAVA_OPTS = "-Xmx512m"
    }

    start_timeout = "30s"
    stop_timeout  = "30s" # longer than the service takes to finish what it has begun
  }

  health "http" {
    path     = "/health"
    interval = "500ms"
    passes   = 2
    timeout  = "2s"
    deadline = "60s" # a JVM takes its time
  }

  traffic "load_balancer" { load_balancer = load_balancer.edge }

  strategy "blue_green" {
    bake       = "10s"
    keep_warm  = true # the other side goes on running, so that a revert is one switch
    on_failure = "revert"
  }
}

policy "java-team" { min_in_service = "100%" }
