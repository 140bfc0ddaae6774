secret "db" {
  env = "DB_PASSWORD"
}

output "password" {
  value = secret.db
}
