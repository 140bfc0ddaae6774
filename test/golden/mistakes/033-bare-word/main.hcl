release "shop" {
  version  = latest
  artifact = "dist/shop.tar.gz"
}
