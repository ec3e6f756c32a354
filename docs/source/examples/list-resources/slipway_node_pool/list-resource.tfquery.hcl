# terraform query -generate-config-out=pools.tf
list "slipway_node_pool" "of_acme" {
  provider         = slipway
  include_resource = true

  config {
    platform_id = "acme"
  }
}
