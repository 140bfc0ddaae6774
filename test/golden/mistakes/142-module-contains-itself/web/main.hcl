module "again" {
  source = "../web"
}
