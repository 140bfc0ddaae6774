ssh "ops" {
  user = "ops"
}

host "here" {
  connection = "local"
  ssh        = ssh.ops
}
