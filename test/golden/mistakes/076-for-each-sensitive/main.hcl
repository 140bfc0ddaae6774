variable "hosts" {
  type      = map(string)
  sensitive = true
  default   = { web-1 = "10.0.1.11" }
}

host "web" {
  for_each = var.hosts
  address  = each.value
}
