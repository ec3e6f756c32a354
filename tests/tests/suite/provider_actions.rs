//! Actions, list resources and import by identity, which the newest Terraform alone knows.

use anyhow::{Context, Result, ensure};
use slipway_tests::{Call, Core, Sandbox, SandboxOptions, Terraform, configuration};

const POOL: &str = r#"
resource "slipway_node_pool" "web" {
  cluster_id = slipway_platform.main.cluster_id
  name       = "web"
  kind       = "general-public"
}
"#;

const ACTION: &str = r#"
action "slipway_upgrade" "next" {
  config {
    platform_id        = slipway_platform.main.id
    kubernetes_version = "1.36"
  }
}
"#;

#[test]
fn an_upgrade_by_action_tells_how_far_it_is_and_everything_is_listed_and_imported_by_identity()
-> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let platform = configuration::platform("acts", &[]).replace("\"1.36\"", "\"1.35\"");
    let text = format!("{platform}{POOL}{ACTION}");
    let terraform = Terraform::with_core(Core::Newest, &sandbox, &text)?;
    terraform.apply()?.ok()?;
    let invoke = [
        "apply",
        "-auto-approve",
        "-input=false",
        "-no-color",
        "-invoke=action.slipway_upgrade.next",
    ];
    let told = terraform.run(&invoke)?.ok()?.text();
    for part in [
        "v1.35.8+1 -> v1.36.5+1",
        "all its nodes are at v1.36.5+1",
        "Action complete",
    ] {
        ensure!(told.contains(part), "no {part:?} in {told}");
    }
    terraform.edit("\"1.35\"", "\"1.36\"")?;
    // The constraint follows in the state; the account has nothing left to do.
    let before = sandbox.mark()?;
    terraform.apply()?.ok()?;
    ensure!(!sandbox.journal(before)?.iter().any(Call::writes));

    let query = "list \"slipway_platform\" \"all\" {\n  provider = slipway\n}\nlist \"slipway_node_pool\" \"all\" {\n  provider         = slipway\n  include_resource = true\n}\n";
    std::fs::write(terraform.folder().join("find.tfquery.hcl"), query)?;
    let found = terraform.run(&["query", "-no-color"])?.ok()?.text();
    ensure!(
        found.contains("id=acts") && found.contains("name=web") && !found.contains("name=general"),
        "{found}"
    );

    let pool = terraform
        .resource("slipway_node_pool.web")?
        .context("no pool in the state")?;
    let cluster = pool["cluster_id"].as_str().context("no cluster_id")?;
    let block = format!(
        "import {{\n  to = slipway_node_pool.web\n  identity = {{\n    cluster_id = \"{cluster}\"\n    name       = \"web\"\n  }}\n}}\n"
    );
    let header = "terraform {\n  required_providers {\n    slipway = { source = \"slipway/slipway\" }\n  }\n}\n";
    let alone = POOL.replace(
        "slipway_platform.main.cluster_id",
        &format!("\"{cluster}\""),
    );
    let second = Terraform::with_core(Core::Newest, &sandbox, &format!("{header}{block}{alone}"))?;
    let plan = second.plan()?.text();
    ensure!(
        plan.contains("1 to import, 0 to add, 0 to change, 0 to destroy"),
        "{plan}"
    );
    terraform.destroy()?.ok()?;
    ensure!(sandbox.objects()?.is_empty());
    Ok(())
}
