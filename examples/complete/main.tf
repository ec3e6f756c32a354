# A platform with every component there is, in size `dev` or `ha`.
#
#   export VULTR_API_KEY=… TF_VAR_cloudflare_api_token=… TF_VAR_gitlab_runner_token=…
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

variable "cloudflare_api_token" {
  description = "Token for the zone of the domain: Zone Read, DNS Edit, Zone WAF Edit, Zone Settings Edit."
  type        = string
  ephemeral   = true
}

variable "gitlab_runner_token" {
  description = "Token of GitLab with the scope create_runner."
  type        = string
  ephemeral   = true
}

variable "cloudflare_url" {
  description = "Another address of Cloudflare's interface, as in a rehearsal."
  type        = string
  default     = null
}

variable "gitlab_url" {
  description = "Address of a GitLab of your own."
  type        = string
  default     = null
}

module "platform" {
  source = "../../terraform/platform"

  name               = "complete"
  region             = "ams"
  domain             = "platform.complete.example"
  kubernetes_version = "1.36"
  network_cidr       = "10.30.0.0/20"

  system_pool = {
    plan = "vc2-8c-32gb"
    # In size ha the largest pod, Artifactory's, finds no room beside the others on three nodes.
    min_nodes = var.size == "ha" ? 4 : 3
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
    authentik          = { size = var.size }
    monitoring         = { size = var.size }
    artifactory        = { size = var.size }
    elasticsearch      = { size = var.size }
    logging            = { size = var.size }
    platform-api       = { size = var.size }

    # What reaches outside.
    cloudflare = {
      size   = var.size
      values = var.cloudflare_url == null ? null : yamlencode({ slipway = { url = var.cloudflare_url } })
    }
    gitlab-runner = {
      size   = var.size
      values = var.gitlab_url == null ? null : yamlencode({ slipway = { url = var.gitlab_url } })
    }
  }

  component_secrets = {
    cloudflare_api_token = var.cloudflare_api_token
    gitlab_runner_token  = var.gitlab_runner_token
  }
  component_secrets_version = 1

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
