variable "zones" {
  default = toset(["a", "b"])
}
