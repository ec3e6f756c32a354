resource "slipway_node_pool" "memory" {
  cluster_id = slipway_platform.main.cluster_id
  kind       = "memory"
  min_nodes  = 1
  max_nodes  = 4
}
