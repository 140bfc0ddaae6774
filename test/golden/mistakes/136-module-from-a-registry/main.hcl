module "web" {
  source = "terraform-modules/web"
}
