host "web-1" {
  adress = "10.0.1.11"
}
