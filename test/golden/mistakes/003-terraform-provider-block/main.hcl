provider "ssh" {
  user = "deploy"
}
