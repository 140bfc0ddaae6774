variable "replicas" {
  default = 9

  validation {
    condition     = var.replicas < 3
    error_message = "At most two."
  }
  validation {
    condition     = var.replicas % 2 == 0
    error_message = ""
  }
}
