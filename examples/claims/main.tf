# The environments of one team, asked for through the platform's own API. No key of the account is needed, only a token
# of somebody who has rights on the platform.
#
#   export TF_VAR_platform_api_url=https://api.platform.acme.example
#   export TF_VAR_platform_api_token=…          # of your identity provider; Terraform stores it nowhere
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

variable "platform_api_url" {
  description = "Address of the platform's API."
  type        = string
}

variable "platform_api_token" {
  description = "Bearer token for it."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "platform" {
  description = "Id of the platform."
  type        = string
  default     = "acme"
}

variable "user" {
  description = "Who asks, as the identity provider calls them."
  type        = string
  default     = "jane@acme.example"
}

variable "wait_for" {
  description = "What an apply waits for: accepted, or ready."
  type        = string
  default     = "ready"
}

provider "slipway" {
  platform_api_url   = var.platform_api_url
  platform_api_token = var.platform_api_token
}

locals {
  environments = {
    dev-team1-feature-x = {
      type     = "dev"
      services = { "user-service" = "v1.2.3", "auth-service" = "^1.0.0.0" }
    }
    sue-team1-vendor = {
      type     = "sue"
      services = { "user-service" = "1.x.x.x" }
    }
  }
}

resource "slipway_environment_claim" "team1" {
  for_each = local.environments

  platform_id      = var.platform
  environment_name = each.key
  environment_type = each.value.type
  environment_pool = "team1"
  user             = var.user
  services         = each.value.services

  wait_for = var.wait_for
  timeouts = { create = "30m", update = "30m" }
}

output "expire" {
  description = "When each environment ends; null is never."
  value       = { for name, claim in slipway_environment_claim.team1 : name => claim.expiration_date }
}
