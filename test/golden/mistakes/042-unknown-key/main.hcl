host "web" {
  for_each = { web-1 = "10.0.1.11" }
  address  = each.value
}

output "address" {
  value = host.web["web-2"].address
}
