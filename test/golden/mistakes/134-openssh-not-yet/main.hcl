ssh "default" {
  transport = "openssh"
}
