module "web" {
  source = "./nowhere"
}
