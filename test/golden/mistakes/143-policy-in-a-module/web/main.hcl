policy "web" {
  min_in_service = "50%"
}
