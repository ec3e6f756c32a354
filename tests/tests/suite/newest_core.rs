//! What only the newest Terraform knows, with it: actions with progress, lists, import by identity.

use anyhow::{Context, Result, ensure};
use slipway_tests::{Call, Core, Sandbox, SandboxOptions, Terraform, configuration};

const POOL: &str = r#"
resource "slipway_node_pool" "apps" {
  cluster_id = slipway_platform.main.cluster_id
  name       = "apps"
  kind       = "general-public"
}
"#;
const UPGRADE: &str = r#"
action "slipway_upgrade" "next" {
  config {
    platform_id        = slipway_platform.main.id
    kubernetes_version = "1.36"
  }
}
"#;
const LISTS: &str = r#"
list "slipway_platform" "all" {
  provider = slipway
}

list "slipway_node_pool" "of_newest" {
  provider         = slipway
  include_resource = true

  config {
    platform_id = "newest"
  }
}
"#;
const IMPORT: &str = r#"
import {
  to = slipway_node_pool.apps
  identity = {
    cluster_id = "CLUSTER"
    name       = "apps"
  }
}
"#;

#[test]
fn actions_lists_and_identities_meet_a_core_that_knows_them() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let text =
        configuration::platform("newest", &[]).replace("\"1.36\"", "\"1.35\"") + POOL + UPGRADE;
    let terraform = Terraform::with_core(Core::Newest, &sandbox, &text)?;
    terraform.apply()?.ok()?;

    an_action_upgrades_and_tells_its_progress(&sandbox, &terraform)?;
    a_query_finds_what_there_is(&terraform)?;
    a_pool_comes_back_by_its_identity(&terraform)?;
    terraform.destroy()?.ok()?;
    let left = sandbox.objects()?;
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}

fn an_action_upgrades_and_tells_its_progress(
    sandbox: &Sandbox,
    terraform: &Terraform,
) -> Result<()> {
    let run = terraform
        .run(&[
            "apply",
            "-auto-approve",
            "-no-color",
            "-invoke=action.slipway_upgrade.next",
        ])?
        .ok()?;
    let said = run.text();
    for word in [
        "slipway_upgrade.next",
        "v1.35.8+1 -> v1.36.5+1",
        "all its nodes are at v1.36.5+1",
        "Action complete",
    ] {
        ensure!(said.contains(word), "no {word:?} in the progress:\n{said}");
    }
    let clusters = sandbox.call("GET", "kubernetes/clusters", None)?;
    let version = clusters["vke_clusters"][0]["version"].as_str();
    ensure!(
        version.is_some_and(|version| version.starts_with("v1.36")),
        "the cluster is at {version:?}"
    );
    terraform.edit("\"1.35\"", "\"1.36\"")?;
    // The constraint follows in the state; the account has nothing left to do.
    let before = sandbox.mark()?;
    terraform.apply()?.ok()?;
    ensure!(!sandbox.journal(before)?.iter().any(Call::writes));
    ensure!(
        terraform.plan()?.code == 0,
        "the plan after the upgrade is not empty"
    );
    Ok(())
}

fn a_query_finds_what_there_is(terraform: &Terraform) -> Result<()> {
    std::fs::write(terraform.folder().join("what.tfquery.hcl"), LISTS)?;
    let said = terraform.run(&["query", "-no-color"])?.ok()?.text();
    for word in [
        "list.slipway_platform.all",
        "id=newest",
        "list.slipway_node_pool.of_newest",
        "name=apps",
    ] {
        ensure!(
            said.contains(word),
            "the query does not say {word:?}:\n{said}"
        );
    }
    // The first pool belongs to its platform.
    ensure!(!said.contains("name=general"), "{said}");
    let path = terraform.folder().join("found.txt");
    let out = format!("-generate-config-out={}", path.display());
    terraform.run(&["query", "-no-color", &out])?.ok()?;
    let found = std::fs::read_to_string(&path)?;
    for word in [
        "import {",
        "resource \"slipway_node_pool\"",
        "general-public",
    ] {
        ensure!(found.contains(word), "no {word:?} in {found}");
    }
    std::fs::remove_file(terraform.folder().join("what.tfquery.hcl"))?;
    Ok(())
}

fn a_pool_comes_back_by_its_identity(terraform: &Terraform) -> Result<()> {
    let pool = terraform
        .resource("slipway_node_pool.apps")?
        .context("no pool in the state")?;
    let cluster = pool["cluster_id"].as_str().context("no cluster")?;
    terraform
        .run(&["state", "rm", "slipway_node_pool.apps"])?
        .ok()?;
    std::fs::write(
        terraform.folder().join("import.tf"),
        IMPORT.replace("CLUSTER", cluster),
    )?;
    let said = terraform.apply()?.ok()?.text();
    ensure!(
        said.contains("1 imported, 0 added, 0 changed, 0 destroyed"),
        "{said}"
    );
    let again = terraform
        .resource("slipway_node_pool.apps")?
        .context("no pool after the import")?;
    ensure!(again["id"] == pool["id"], "{again}");
    Ok(())
}
