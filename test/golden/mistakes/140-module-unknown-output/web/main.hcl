output "names" {
  value = ["a"]
}
