secret "db" {
  env  = "DB_PASSWORD"
  file = "/run/secrets/db"
}
