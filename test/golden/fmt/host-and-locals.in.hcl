locals {
  web=[for h in host.web:h.name if h.labels.role=="web"]
  a = { role="web",zone="a" }
  b = {role="web"
  zone="a"}
}
host "x" { address="1" }
host "y" {address = "1"}
host "z" {}
host "z" { }
host "w" {
}
