resource "slipway_environment_claim" "feature_x" {
  platform_id      = slipway_platform.main.id
  environment_name = "dev-team1-feature-x"
  environment_type = "dev"
  environment_pool = "team1"
  user             = "john.doe@company.com"

  services = {
    "user-service" = "v1.2.3"
    "auth-service" = "^1.0.0.0"
    "api-gateway"  = "1.x.x.x"
  }
}
