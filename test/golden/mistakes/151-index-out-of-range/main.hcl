host "web" {
  count   = 2
  address = "10.0.1.1${count.index}"
}

output "third" {
  value = host.web[2].address
}
