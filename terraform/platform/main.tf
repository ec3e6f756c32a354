resource "slipway_platform" "this" {
  name               = var.name
  region             = var.region
  domain             = var.domain
  kubernetes_version = var.kubernetes_version
  high_availability  = var.high_availability
  network_cidr       = var.network_cidr
  system_pool        = var.system_pool
  components         = var.components

  component_secrets_wo         = var.component_secrets
  component_secrets_wo_version = var.component_secrets_version

  deletion_protection = var.deletion_protection
  on_destroy          = var.on_destroy
}

resource "slipway_node_pool" "this" {
  for_each = var.node_pools

  cluster_id = slipway_platform.this.cluster_id
  name       = each.key
  kind       = each.value.kind
  plan       = each.value.plan
  min_nodes  = each.value.min_nodes
  max_nodes  = each.value.max_nodes
}
