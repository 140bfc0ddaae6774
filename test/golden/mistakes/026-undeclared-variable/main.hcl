release "shop" {
  version  = var.version
  artifact = "dist/shop.tar.gz"
}
