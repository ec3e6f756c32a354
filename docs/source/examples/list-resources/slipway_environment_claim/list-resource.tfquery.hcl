# terraform query
list "slipway_environment_claim" "of_acme" {
  provider = slipway

  config {
    platform_id = "acme"
  }
}
