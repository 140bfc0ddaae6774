host "web" {
  for_each = ["10.0.1.11", "10.0.1.12"]
  address  = each.value
}
