module "web" {
  source = "./web"
  port   = "http"
}
