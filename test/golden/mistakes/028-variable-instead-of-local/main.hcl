locals {
  port = 8080
}

output "port" {
  value = var.port
}
