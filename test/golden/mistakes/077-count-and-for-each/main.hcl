host "web" {
  count    = 2
  for_each = { a = "10.0.1.11" }
  address  = "10.0.1.11"
}
