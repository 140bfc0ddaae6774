# What "deployctl lab up" starts on this machine, declared like any other environment:
#
#   deployctl lab up
#   deployctl plan lab
#   deployctl apply lab
#   deployctl apply lab --var version=2.0.0
#   deployctl revert lab
#   deployctl apply lab --var prices_version=2.0.0
#
# It is for trying. A real environment differs in addresses, in ssh "default" and in its load balancer.

variable "version" {
  type        = string
  description = "What to run: 1.0.0 or 2.0.0"
  default     = "1.0.0"
}

variable "prices_version" {
  type        = string
  description = "The same for the second service, which is switched by DNS"
  default     = "1.0.0"
}

variable "network" {
  type        = string
  description = "The lab's loopback addresses, as given to \"lab up --network\""
  default     = "127.7.0"
}

ssh "default" {
  port          = 2222
  identity_file = "../../.deployctl/lab/id_ed25519" # "lab up" made it, and the host keys
  known_hosts   = "../../.deployctl/lab/known_hosts"
  become        = "none"
}

host "lb-1" {
  address = "${var.network}.10"
  labels  = { role = "balancer" }
}

host "web" {
  for_each = { web-1 = 11, web-2 = 12, web-3 = 13 }
  address  = "${var.network}.${each.value}"
  labels   = { role = "web" }
}

load_balancer "lab" "edge" {
  hosts          = [host.lb-1]
  control_socket = "/tmp/deployctl-lab-${var.network}/edge.sock"
  # It knows the pools of the shop. For services of your own behind it, have deployctl write the pools:
  # config_file  = "/tmp/deployctl-lab-${var.network}/edge.json"
}

secret "dns" { file = "../../.deployctl/lab/dns.key" }

dns_zone "rfc2136" "internal" {
  zone    = "lab.test."
  primary = "${var.network}.10:8053"
  tsig {
    name   = "deployctl."
    secret = secret.dns
  }
}
