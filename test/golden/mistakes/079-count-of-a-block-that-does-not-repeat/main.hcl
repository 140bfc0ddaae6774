policy "prod" {
  count = 1
}
