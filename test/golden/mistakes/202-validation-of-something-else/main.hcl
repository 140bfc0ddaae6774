variable "limit" {
  default = 5
}

variable "replicas" {
  default = 9

  validation {
    condition     = var.limit > 1
    error_message = "Too many."
  }
}
