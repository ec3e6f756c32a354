data "slipway_catalog" "ams" {
  region = "ams"
}

output "newest_kubernetes_build" {
  value = data.slipway_catalog.ams.kubernetes_builds[0]
}
