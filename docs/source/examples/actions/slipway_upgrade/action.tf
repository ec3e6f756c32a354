# terraform apply -invoke=action.slipway_upgrade.to_1_36
action "slipway_upgrade" "to_1_36" {
  config {
    platform_id        = slipway_platform.main.id
    kubernetes_version = "1.36"
  }
}
