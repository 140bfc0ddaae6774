host "web" {
  for_each = { app-1 = "10.0.1.11" }
  address  = each.value
}

host "app-1" {
  address = "10.0.1.12"
}
