hook "after_apply" {
  run = ["bin/notify"]
  on  = "each_host"
}
