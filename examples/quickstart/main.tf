# A platform, two more node pools, and one environment asked for.
#
#   export VULTR_API_KEY=…          # or rehearse it first: `make demo` needs no account
#   terraform init && terraform apply

terraform {
  required_version = ">= 1.11"

  required_providers {
    slipway = {
      source  = "slipway/slipway"
      version = "~> 0.1"
    }
  }
}

provider "slipway" {}

variable "components" {
  description = "Changes to the default set of components."
  type = map(object({
    enabled = optional(bool)
    version = optional(string)
    size    = optional(string)
    values  = optional(string)
  }))
  default = {}
}

module "platform" {
  source = "../../terraform/platform"

  name               = "quickstart"
  region             = "ams"
  domain             = "platform.quickstart.example"
  kubernetes_version = "1.36"
  network_cidr       = "10.20.0.0/20"

  system_pool = {
    plan      = "vc2-4c-8gb"
    min_nodes = 3
    max_nodes = 5
  }

  node_pools = {
    apps   = { kind = "general-public", min_nodes = 1, max_nodes = 3 }
    memory = { kind = "memory", min_nodes = 1, max_nodes = 2 }
  }

  components = var.components

  deletion_protection = false
  on_destroy = {
    environments = "refuse"
    volumes      = "delete"
  }
}

resource "slipway_environment_claim" "feature_x" {
  platform_id      = module.platform.id
  environment_name = "dev-team1-feature-x"
  environment_type = "dev"
  environment_pool = "team1"
  user             = "john.doe@company.com"

  services = {
    "user-service" = "v1.2.3"
    "auth-service" = "^1.0.0.0"
    "api-gateway"  = "1.x.x.x"
  }
}

output "kubernetes_build" {
  value = module.platform.kubernetes_build
}

output "components" {
  value = module.platform.components
}

output "node_pools" {
  value = module.platform.node_pools
}

output "claim" {
  value = slipway_environment_claim.feature_x.environment_name
}
