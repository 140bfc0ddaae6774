host "web" {
  address = each.value
}
