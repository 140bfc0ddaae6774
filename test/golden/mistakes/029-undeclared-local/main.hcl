locals {
  web_hosts = ["web-1"]
}

output "hosts" {
  value = local.web_host
}
