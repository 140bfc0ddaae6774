variable "port" {
  type      = string
  sensitive = true
}

output "next" {
  value     = var.port + 1
  sensitive = true
}
