import {
  to = slipway_environment_claim.feature_x
  identity = {
    platform_id      = "acme"
    environment_name = "dev-team1-feature-x"
  }
}
