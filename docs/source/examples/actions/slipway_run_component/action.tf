# terraform apply -invoke=action.slipway_run_component.kong
action "slipway_run_component" "kong" {
  config {
    platform_id = slipway_platform.main.id
    component   = "kong"
    domain      = slipway_platform.main.domain
    components  = slipway_platform.main.components
  }
}
