resource "slipway_platform" "main" {
  name               = "acme"
  region             = "ams"
  domain             = "platform.acme.example"
  kubernetes_version = "1.36"
  high_availability  = true
  network_cidr       = "10.20.0.0/20"

  system_pool = {
    plan      = "vc2-4c-8gb"
    min_nodes = 3
    max_nodes = 5
  }

  components = {
    infisical = { size = "ha" }
    kong = {
      values = <<-YAML
        replicaCount: 3
      YAML
    }
  }

  deletion_protection = true
  on_destroy = {
    environments   = "refuse"
    volumes        = "retain"
    load_balancers = "delete"
  }
}
