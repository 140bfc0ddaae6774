module "web" {
  source = "./web"
  port   = 8080
}
