ephemeral "slipway_kubeconfig" "main" {
  cluster_id = slipway_platform.main.cluster_id
}

provider "kubernetes" {
  host                   = ephemeral.slipway_kubeconfig.main.host
  cluster_ca_certificate = ephemeral.slipway_kubeconfig.main.cluster_ca_certificate
  client_certificate     = ephemeral.slipway_kubeconfig.main.client_certificate
  client_key             = ephemeral.slipway_kubeconfig.main.client_key
}
