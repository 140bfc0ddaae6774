variable "name" {
  default = "shop"
}

variable "root" {
  default = "/srv/${var.name}"
}
