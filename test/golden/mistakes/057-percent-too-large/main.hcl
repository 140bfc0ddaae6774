policy "prod" {
  min_in_service = "110%"
}
