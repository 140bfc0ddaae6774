policy "prod" {
  approvals = 1
}
