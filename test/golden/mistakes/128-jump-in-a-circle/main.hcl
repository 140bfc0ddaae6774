ssh "a" {
  jump = "two"
}

ssh "b" {
  jump = "one"
}

host "one" {
  address = "10.0.0.1"
  ssh     = ssh.a
}

host "two" {
  address = "10.0.0.2"
  ssh     = ssh.b
}
