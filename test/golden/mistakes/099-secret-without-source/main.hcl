secret "db" {}
