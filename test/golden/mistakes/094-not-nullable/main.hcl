variable "version" {
  type     = string
  nullable = false
}
