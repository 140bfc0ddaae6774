ssh "default" {
  jump = "bastoin"
}

host "bastion" {
  address = "10.0.0.1"
}
