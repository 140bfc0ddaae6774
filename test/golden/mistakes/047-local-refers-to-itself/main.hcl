locals {
  paths = concat(local.paths, ["/bin"])
}
