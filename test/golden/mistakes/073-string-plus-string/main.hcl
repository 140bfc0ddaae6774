output "name" {
  value = "shop" + "-1"
}
