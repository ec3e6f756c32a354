variable "name" {
  description = "Name of the platform, unique in the account: 3 to 32 lower-case letters, digits and hyphens, starting with a letter. Also its ownership mark, so it cannot change later."
  type        = string
}

variable "region" {
  description = "Vultr region that offers Kubernetes, for example `ams`. Cannot change later."
  type        = string
}

variable "domain" {
  description = "DNS domain under which the platform's services answer."
  type        = string
}

variable "kubernetes_version" {
  description = "Version constraint, for example `1.36`. The build it resolves to is shown in the plan and recorded."
  type        = string
}

variable "high_availability" {
  description = "Three API servers instead of one. Cannot change later."
  type        = bool
  default     = false
}

variable "network_cidr" {
  description = "Private network of the platform's VPC. Cannot change later."
  type        = string
  default     = "10.20.0.0/20"
}

variable "system_pool" {
  description = "The pool that carries the platform's own components."
  type = object({
    plan      = string
    min_nodes = number
    max_nodes = number
  })
  default = {
    plan      = "vc2-4c-8gb"
    min_nodes = 3
    max_nodes = 5
  }
}

variable "node_pools" {
  description = "Further pools by name. Plan, labels and taints come from the kind unless given."
  type = map(object({
    kind      = string
    plan      = optional(string)
    min_nodes = optional(number)
    max_nodes = optional(number)
  }))
  default = {}
}

variable "components" {
  description = "Changes to the default set of components, by name: `enabled`, `version`, `size` (`dev` or `ha`) and `values` (YAML)."
  type = map(object({
    enabled = optional(bool)
    version = optional(string)
    size    = optional(string)
    values  = optional(string)
  }))
  default = {}
}

variable "component_secrets" {
  description = "Secrets that components need, by name. Never stored in state or plan."
  type        = map(string)
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "component_secrets_version" {
  description = "Raise it to hand changed secrets to the components."
  type        = number
  default     = null
}

variable "deletion_protection" {
  description = "Refuse to destroy the platform until this is set to false and applied."
  type        = bool
  default     = true
}

variable "on_destroy" {
  description = "What a destroy does with live environments, volumes and load balancers."
  type = object({
    environments   = optional(string, "refuse")
    volumes        = optional(string, "retain")
    load_balancers = optional(string, "delete")
  })
  default = {}
}
