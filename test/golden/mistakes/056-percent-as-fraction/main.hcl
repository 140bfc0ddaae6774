policy "prod" {
  min_in_service = "0.75"
}
