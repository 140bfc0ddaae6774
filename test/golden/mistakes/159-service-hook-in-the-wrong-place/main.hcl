hook "before_install" {
  run = ["bin/migrate"]
}
