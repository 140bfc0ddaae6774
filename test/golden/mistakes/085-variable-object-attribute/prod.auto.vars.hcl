service = {
  prot = 8080
}
