release "shop" {
  version  = "feature/login"
  artifact = "dist/shop.tar.gz"
}
