data "slipway_environment_type" "prod" {
  type = "prod"
}

# One pool of each kind that production environments use.
resource "slipway_node_pool" "prod" {
  for_each   = toset([for kind in data.slipway_environment_type.prod.pool_kinds : kind if kind != "general-restricted"])
  cluster_id = slipway_platform.main.cluster_id
  kind       = each.key
}
