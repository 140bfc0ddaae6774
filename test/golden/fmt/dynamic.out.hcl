dynamic "x" {
  for_each = var.a
  content {
    type = "string"
    a    = each.value
  }
}
