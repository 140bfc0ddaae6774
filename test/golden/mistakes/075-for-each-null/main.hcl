variable "hosts" {
  type    = map(string)
  default = null
}

host "web" {
  for_each = var.hosts
  address  = each.value
}
