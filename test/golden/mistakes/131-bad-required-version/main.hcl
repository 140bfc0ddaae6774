deployctl {
  required_version = "latest"
}
