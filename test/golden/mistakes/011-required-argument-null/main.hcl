release "shop" {
  version  = null
  artifact = "dist/shop.tar.gz"
}
