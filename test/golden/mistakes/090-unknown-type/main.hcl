variable "replicas" {
  type = integer
}
