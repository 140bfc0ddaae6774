variable "version" {
  type = string

  validation {
    condition     = var.version != "latest"
    error_message = "Name a version, so that a revert knows what to go back to."
  }
}
