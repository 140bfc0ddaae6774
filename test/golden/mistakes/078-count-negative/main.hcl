host "web" {
  count   = -1
  address = "10.0.1.11"
}
