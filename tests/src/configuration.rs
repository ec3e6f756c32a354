//! Configurations that more than one test wants.

use std::fmt::Write as _;

/// What a platform gets that says nothing about components, in the order of their names.
pub const COMPONENTS: [&str; 8] = [
    "cloudnative-pg",
    "crossplane",
    "flux",
    "infisical",
    "kong",
    "minio",
    "opal",
    "valkey",
];

/// A platform named `name` with one system node and these components alone; the resource is `slipway_platform.main`.
#[must_use]
pub fn platform(name: &str, components: &[&str]) -> String {
    let mut switches = String::new();
    for component in COMPONENTS.iter().filter(|name| !components.contains(name)) {
        // Writing into a String cannot fail.
        let _ = writeln!(switches, "    {component} = {{ enabled = false }}");
    }
    for component in components {
        let _ = writeln!(switches, "    {component} = {{ enabled = true }}");
    }
    format!(
        r#"terraform {{
  required_providers {{
    slipway = {{
      source = "slipway/slipway"
    }}
  }}
}}

resource "slipway_platform" "main" {{
  name                = "{name}"
  region              = "ams"
  domain              = "{name}.example"
  kubernetes_version  = "1.36"
  network_cidr        = "10.20.0.0/20"
  system_pool         = {{ plan = "vc2-4c-8gb", min_nodes = 1, max_nodes = 2 }}
  deletion_protection = false
  on_destroy          = {{ environments = "refuse", volumes = "delete", load_balancers = "delete" }}
  components = {{
{switches}  }}
}}
"#
    )
}

/// A claim for a development environment on the platform of [`platform`]; the resource is `slipway_environment_claim.x`.
#[must_use]
pub fn claim(environment: &str, user: &str) -> String {
    format!(
        r#"
resource "slipway_environment_claim" "x" {{
  platform_id      = slipway_platform.main.id
  environment_name = "{environment}"
  environment_type = "dev"
  environment_pool = "team1"
  user             = "{user}"
  services = {{
    "user-service" = "v1.2.3"
    "auth-service" = "^1.0.0.0"
    "api-gateway"  = "1.x.x.x"
  }}
}}
"#
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::COMPONENTS;

    #[test]
    fn the_default_set_is_the_catalogs() {
        let catalog = run_report::Catalog::embedded().unwrap();
        let default: Vec<&str> = catalog
            .iter()
            .filter(|(_, component)| component.default)
            .map(|(name, _)| name)
            .collect();
        assert_eq!(default, COMPONENTS);
    }
}
