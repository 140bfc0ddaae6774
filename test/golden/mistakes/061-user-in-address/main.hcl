host "web-1" {
  address = "deploy@10.0.1.11"
}
