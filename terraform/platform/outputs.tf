output "id" {
  description = "Id of the platform; environment claims refer to it."
  value       = slipway_platform.this.id
}

output "cluster_id" {
  description = "Id of the platform's cluster, for `slipway_kubeconfig` and further node pools."
  value       = slipway_platform.this.cluster_id
}

output "kubernetes_build" {
  description = "The Kubernetes build that runs."
  value       = slipway_platform.this.kubernetes_build
}

output "components" {
  description = "What is installed: chart, version and outcome by component."
  value       = slipway_platform.this.component_status
}

output "node_pools" {
  description = "Ids of the further pools, by name."
  value       = { for name, pool in slipway_node_pool.this : name => pool.id }
}
