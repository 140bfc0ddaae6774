release "shop" {
  version  = "1.0.0"
  artifact = "dist/missing.tar.gz"
}
