variable "version" {
  default = "1.0.0"
}

release "shop" {
  version  = var.verison
  artifact = "dist/shop.tar.gz"
}
