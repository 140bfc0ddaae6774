host "web-1" {}
