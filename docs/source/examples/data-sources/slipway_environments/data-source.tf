data "slipway_environments" "all" {
  platform_id = slipway_platform.main.id
}

output "owners" {
  value = { for environment in data.slipway_environments.all.environments : environment.name => environment.owner }
}
