variable "version" {
  type        = string
  description = "What to run"
}

release "shop" {
  version  = var.version
  artifact = "dist/shop-${var.version}.tar.gz"
}
