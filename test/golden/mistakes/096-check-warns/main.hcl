host "web-1" { address = "10.0.1.11" }
host "web-2" { address = "10.0.1.12" }

check "fleet" {
  assert {
    condition     = host.web-1.address == host.web-2.address
    error_message = "web-1 and web-2 should be one machine."
  }
}
