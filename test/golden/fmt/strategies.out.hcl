strategy "canary" {
  step {
    share = 1
    bake  = "5m"
  }
  step {
    share = 10
    bake  = "10m"
    audience { # these requests always get the canary, the rest by share
      header = { "X-Beta" = "1" }
      cookie = { plan = "pro" }
    }
  }
  step {
    share    = 50
    approval = true # waits for `deployctl promote`
  }
  analysis "load_balancer" { # from the load balancer's own counters: nothing else to install
    max_error_rate    = 0.01
    max_latency_ratio = 1.2
    min_requests      = 500
  }
  analysis "prometheus" {
    url      = "http://10.0.0.9:9090"
    query    = "..."
    max      = 0.02
    interval = "30s"
    failures = 2
  }
  on_failure = "revert"
}

strategy "rolling" {
  batch        = "25%"
  pause        = "10s"
  max_failures = 0
}

strategy "in_place" {}
