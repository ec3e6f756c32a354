import {
  to = slipway_environment_claim.feature_x
  id = "acme/dev-team1-feature-x"
}
