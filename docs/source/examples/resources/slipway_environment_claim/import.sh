terraform import slipway_environment_claim.feature_x acme/dev-team1-feature-x
