host "web" {
  for_each = { "web 1" = "10.0.1.11" }
  address  = each.value
}
