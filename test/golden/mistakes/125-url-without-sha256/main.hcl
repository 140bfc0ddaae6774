release "shop" {
  version  = "1.0.0"
  artifact = "https://ci.example/shop.tar.gz"
}
