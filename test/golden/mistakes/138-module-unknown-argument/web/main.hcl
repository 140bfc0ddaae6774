variable "ports" {
  default = []
}
