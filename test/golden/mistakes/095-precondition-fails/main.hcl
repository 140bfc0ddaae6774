variable "version" {
  default = "2.0.0-rc.1"
}

release "shop" {
  version  = var.version
  artifact = "dist/shop.tar.gz"

  precondition {
    condition     = var.version == "2.0.0"
    error_message = "Only final versions go to production, and ${var.version} is none."
  }
}
