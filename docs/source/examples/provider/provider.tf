terraform {
  required_version = ">= 1.11"

  required_providers {
    slipway = {
      source  = "slipway/slipway"
      version = "~> 0.1"
    }
  }
}

# The key comes from VULTR_API_KEY. A rehearsal sets SLIPWAY_API_URL to the sandbox.
provider "slipway" {}
