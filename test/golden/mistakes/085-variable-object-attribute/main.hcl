variable "service" {
  type = object({ port = number, path = optional(string, "/") })
}
