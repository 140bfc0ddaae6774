variable "version" {
  type = sting
}

host "web-1" {
  address = "10.0.1.11"
  port    = "ssh"
}

release "shop" {
  version = var.verion
}

service "shop" {
  release = release.shpo

  slot "blue" {
    hosts = ["web-1"]
    port  = 8081
  }
}
