policy "prod" {
  approvals       = 1
  allowed_signers = "signers"
  actors          = "kim"
}
