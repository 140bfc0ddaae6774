policy "prod" {
  min_in_service = "75%"
}

policy "night" {
  min_in_service = "50%"
}
