variable "x" {
  type = "string"
}
variable "y" {
  type = list
}
variable z {
  type = "map"
}
variable "w" {
  type = "list"
  default = "${var.x}"
}
variable "v" {
  type = set
  validation {
   type = "string"
  }
}
