variable "x" {
  type = string
}
variable "y" {
  type = list(any)
}
variable "z" {
  type = map(string)
}
variable "w" {
  type    = list(string)
  default = var.x
}
variable "v" {
  type = set(any)
  validation {
    type = "string"
  }
}
