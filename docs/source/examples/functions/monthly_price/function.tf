data "slipway_catalog" "ams" {
  region = "ams"
}

output "monthly_price" {
  value = provider::slipway::monthly_price(data.slipway_catalog.ams.plans, {
    "vc2-4c-8gb" = 3
    "vc2-2c-4gb" = 2
  })
}
