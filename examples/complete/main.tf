# A platform with every component there is, in size `dev` or `ha`.
#
#   export VULTR_API_KEY=…
#   terraform init && terraform apply -var size=ha

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

variable "size" {
  description = "Size of every component: `dev` or `ha`. Chosen once: the object store cannot be laid out anew."
  type        = string
  default     = "dev"
}

module "platform" {
  source = "../../terraform/platform"

  name               = "complete"
  region             = "ams"
  domain             = "platform.complete.example"
  kubernetes_version = "1.36"
  network_cidr       = "10.30.0.0/20"

  system_pool = {
    plan      = "vc2-8c-32gb"
    min_nodes = 3
    max_nodes = 5
  }

  node_pools = {
    apps = { kind = "general-public", min_nodes = 1, max_nodes = 3 }
  }

  components = {
    # Prerequisites: definitions, metrics, certificates, policies, data.
    gateway-api    = { size = var.size }
    metrics-server = { size = var.size }
    cert-manager   = { size = var.size }
    kyverno        = { size = var.size }
    cloudnative-pg = { size = var.size }
    valkey         = { size = var.size }

    # The platform itself.
    crossplane         = { size = var.size }
    flux               = { size = var.size }
    kong               = { size = var.size }
    infisical          = { size = var.size }
    infisical-operator = { size = var.size }
    minio              = { size = var.size }
    opal               = { size = var.size }
  }

  deletion_protection = false
  on_destroy = {
    environments   = "refuse"
    volumes        = "delete"
    load_balancers = "delete"
  }
}

output "components" {
  value = module.platform.components
}
