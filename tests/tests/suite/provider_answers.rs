//! What data sources and functions answer.

use anyhow::{Result, ensure};
use serde_json::json;
use slipway_tests::{Sandbox, SandboxOptions, Terraform};

#[test]
fn functions_and_data_sources_answer_what_configurations_ask() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(
        &sandbox,
        r#"
terraform {
  required_providers {
    slipway = { source = "slipway/slipway" }
  }
}
locals {
  tags = ["v0.9.0", "v1.2.0", "1.10.0", "1.10.0.1", "v2.0.0-rc.1", "latest", "dev-snapshot"]
}
data "slipway_catalog" "ams" { region = "ams" }
data "slipway_environment_type" "each" {
  for_each = toset(["dev", "stage", "prod", "sue"])
  type     = each.key
}
output "price" {
  value = provider::slipway::monthly_price(data.slipway_catalog.ams.plans, { "vx1-g-2c-8g-120s" = 3, "vc2-4c-8gb" = 1 })
}
output "list_price" { value = data.slipway_catalog.ams.plans["vc2-4c-8gb"].monthly_price }
output "versions" {
  value = [for c in ["1.2.0", "^1.0.0.0", "1.x.x.x", "v1.2.X", ">= 1.0, < 1.10", "!=1.10.0.1", ">=2.0.0-rc.1", "latest", "*", "dev-snapshot"] :
    provider::slipway::resolve_version(c, local.tags)]
}
output "types" { value = { for t in data.slipway_environment_type.each : t.name => [t.high_availability, t.autoscaling, t.shared_services, t.lifetime_hours, length(t.pool_kinds)] } }
output "memory" { value = data.slipway_environment_type.each["prod"].pools["memory"] }
"#,
    )?;
    terraform.apply()?.ok()?;
    let outputs = terraform.state()?["values"]["outputs"].clone();
    let value = |name: &str| outputs[name]["value"].clone();
    ensure!(value("price") == json!(206.44), "{outputs}");
    ensure!(value("list_price") == json!(40), "{outputs}");
    let versions = json!([
        "v1.2.0",
        "1.10.0.1",
        "1.10.0.1",
        "v1.2.0",
        "v1.2.0",
        "1.10.0",
        "v2.0.0-rc.1",
        "latest",
        "1.10.0.1",
        "dev-snapshot"
    ]);
    ensure!(value("versions") == versions, "{outputs}");
    let types = json!({
        "dev": [false, "aggressive", "platform", null, 3],
        "staging": [true, "moderate", "own", null, 3],
        "prod": [true, "conservative", "own", null, 6],
        "sue": [false, "aggressive", "platform", 24, 3],
    });
    ensure!(value("types") == types, "{outputs}");
    ensure!(
        value("memory")["taints"][0]["value"] == "memory",
        "{outputs}"
    );

    let wrong = [
        ("[\"1.2.0\",", "[\"~1.2\",", "there is no `~`"),
        (
            "\"vx1-g-2c-8g-120s\" = 3",
            "\"vx1-g\" = 3",
            "there is no price of plan \"vx1-g\"",
        ),
        ("\"stage\"", "\"stagging\"", "SLW-124"),
    ];
    for (good, bad, words) in wrong {
        terraform.edit(good, bad)?;
        let told = terraform.plan()?.failed()?.text();
        ensure!(told.contains(words), "{words:?} is missing in: {told}");
        terraform.edit(bad, good)?;
    }
    Ok(())
}
