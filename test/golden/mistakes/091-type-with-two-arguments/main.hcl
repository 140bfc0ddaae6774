variable "hosts" {
  type    = map(string, string)
  default = {}
}
