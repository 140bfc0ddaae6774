host "web" {
  for_each = { a = "10.0.1.11" }
  address  = "10.0.1.${count.index}"
}
