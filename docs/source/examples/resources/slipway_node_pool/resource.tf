resource "slipway_node_pool" "memory" {
  cluster_id     = slipway_platform.main.cluster_id
  kind           = "memory"
  plan           = "voc-m-2c-16gb-100s"
  plan_fallbacks = ["vc2-6c-16gb"] # taken while the first is sold out in the region
  min_nodes      = 1
  max_nodes      = 4
}
