module "web" {
  source = "./web"
}

output "names" {
  value = module.web.name
}
