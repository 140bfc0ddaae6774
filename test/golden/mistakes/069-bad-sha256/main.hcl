release "shop" {
  version  = "1.0.0"
  artifact = "dist/shop.tar.gz"
  sha256   = "9f86d081"
}
