//! The provider alone, with the real Terraform, against an account of records: clusters and hosts are entries, so a
//! platform without components is made in a second.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use slipway_tests::{
    Call, Sandbox, SandboxOptions, Terraform, configuration, kill_in_group, until,
};

use super::settled::{cluster, empty, refreshed, unchanged};

const APPLY: [&str; 4] = ["apply", "-auto-approve", "-input=false", "-no-color"];

fn pools(count: usize) -> String {
    format!(
        r#"
resource "slipway_node_pool" "extra" {{
  count      = {count}
  cluster_id = slipway_platform.main.cluster_id
  name       = "extra-${{count.index}}"
  kind       = "general-public"
}}
"#
    )
}

#[test]
fn a_platform_is_made_changed_and_taken_down_to_nothing() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let configuration = configuration::platform("whole", &[]) + &pools(1);
    let terraform = Terraform::new(&sandbox, &configuration)?;
    terraform.apply()?.ok()?;
    refreshed(&terraform)?;
    unchanged(&terraform)?;
    ensure!(mark_of(&sandbox, "vpc")? == "slipway:whole");

    terraform.edit("max_nodes = 2", "max_nodes = 4")?;
    terraform.edit(
        "kind       = \"general-public\"",
        "kind       = \"general-public\"\n  max_nodes  = 3",
    )?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    for (label, most) in [("general-restricted", 4), ("extra-0", 3)] {
        ensure!(pool(&sandbox, label)?["max_nodes"] == most, "{label}");
    }

    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn what_was_changed_outside_is_seen_and_mended() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(
        &sandbox,
        &(configuration::platform("drift", &[]) + &pools(1)),
    )?;
    terraform.apply()?.ok()?;
    let (cluster, extra) = (cluster(&sandbox)?, pool(&sandbox, "extra-0")?);
    let id = cluster["id"].as_str().context("no id")?.to_owned();
    let call = |method: &str, path: &str, body: &str| -> Result<()> {
        let body = serde_json::from_str(body)?;
        sandbox.call(method, path, Some(&body)).map(drop)
    };
    call(
        "PUT",
        &format!("kubernetes/clusters/{id}"),
        r#"{"label": "renamed"}"#,
    )?;
    let pool_path = format!(
        "kubernetes/clusters/{id}/node-pools/{}",
        extra["id"].as_str().context("no id")?
    );
    call("PATCH", &pool_path, r#"{"node_quantity": 3}"#)?;
    ensure!(terraform.plan()?.code == 2, "the changes were not seen");

    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    ensure!(mark_of(&sandbox, "cluster")? == "slipway:drift");
    ensure!(pool(&sandbox, "extra-0")?["node_quantity"] == 1);

    sandbox.call("DELETE", &pool_path, None)?;
    until(
        "the pool is gone",
        || Ok(pool(&sandbox, "extra-0").is_err()),
    )?;
    terraform.apply()?.ok()?;
    pool(&sandbox, "extra-0")?;
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn a_cluster_deleted_outside_is_made_again_in_the_same_network() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(
        &sandbox,
        &(configuration::platform("lost", &[]) + &pools(1)),
    )?;
    terraform.apply()?.ok()?;
    let network = sandbox.call("GET", "vpcs", None)?["vpcs"][0]["id"].clone();
    let id = cluster(&sandbox)?["id"]
        .as_str()
        .context("no id")?
        .to_owned();
    sandbox.call("DELETE", &format!("kubernetes/clusters/{id}"), None)?;
    until("the cluster is gone", || Ok(sandbox.count("cluster")? == 0))?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    ensure!(sandbox.call("GET", "vpcs", None)?["vpcs"][0]["id"] == network);
    pool(&sandbox, "extra-0")?;
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn what_no_longer_carries_the_mark_is_not_deleted() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("taken", &[]))?;
    terraform.apply()?.ok()?;
    let id = cluster(&sandbox)?["id"]
        .as_str()
        .context("no id")?
        .to_owned();
    let label = json!({"label": "somebody's"});
    sandbox.call("PUT", &format!("kubernetes/clusters/{id}"), Some(&label))?;
    let refused = terraform.destroy()?.failed()?.text();
    ensure!(
        refused.contains("SLW-238") && refused.contains("somebody's"),
        "{refused}"
    );
    ensure!(sandbox.count("cluster")? == 1 && sandbox.count("vpc")? == 1);
    terraform.apply()?.ok()?;
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn a_plan_without_changes_costs_the_same_for_one_pool_and_for_a_hundred() -> Result<()> {
    let mut costs = Vec::new();
    for count in [1, 10, 100] {
        let sandbox = Sandbox::start(SandboxOptions::records())?;
        let configuration = configuration::platform("many", &[]) + &pools(count);
        let mut terraform = Terraform::new(&sandbox, &configuration)?;
        // A hundred pools that ask as fast as the account moves would leave it no time to move.
        terraform.unset("SLIPWAY_SANDBOX_SPEED");
        terraform
            .run(&[
                "apply",
                "-auto-approve",
                "-input=false",
                "-no-color",
                "-parallelism=32",
            ])?
            .ok()?;
        let before = sandbox.mark()?;
        unchanged(&terraform)?;
        let calls = sandbox.journal(before)?;
        ensure!(!calls.iter().any(Call::writes), "a plan wrote: {calls:?}");
        costs.push((count, calls.len()));
    }
    println!("calls of a plan without changes, by pools: {costs:?}");
    ensure!(
        costs.iter().all(|(_, calls)| *calls == costs[0].1),
        "{costs:?}"
    );
    ensure!(costs[0].1 <= 7, "{costs:?}");
    Ok(())
}

#[test]
fn a_provider_killed_while_creating_is_continued_without_a_second_of_anything() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("crash", &[]))?;
    // What would come next is held off, so that the kill comes before it.
    let call = json!({"method": "POST", "path": "/v2/kubernetes/clusters", "hold_ms": 60_000, "action": "timeout_before"});
    for (kind, held_off) in [("vpc", call), ("cluster", json!({"cluster_stuck": true}))] {
        sandbox.fault(&held_off)?;
        let child = terraform.spawn(&APPLY)?;
        until(kind, || Ok(sandbox.count(kind)? == 1))?;
        kill_in_group(&child, "terraform-provider-slipway")?;
        Terraform::finish(child)?.failed()?;
        sandbox.clear_faults()?;
    }
    sandbox.fault(&json!({"cluster_stuck": false}))?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    for kind in ["vpc", "cluster", "node_pool"] {
        ensure!(
            sandbox.count(kind)? == 1,
            "{} of {kind}",
            sandbox.count(kind)?
        );
    }
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn a_create_that_failed_goes_on_though_terraform_calls_it_a_replacement() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let configuration = configuration::platform("half", &[]).replace(
        "deletion_protection = false",
        "deletion_protection = true\n  timeouts = { create = \"5s\" }",
    );
    let terraform = Terraform::new(&sandbox, &configuration)?;
    sandbox.fault(&json!({"cluster_stuck": true}))?;
    let failed = terraform.apply()?.failed()?.text();
    ensure!(failed.contains("SLW-214"), "{failed}");
    let kept = terraform
        .resource("slipway_platform.main")?
        .context("the platform is not in the state")?;
    ensure!(kept["phase"] == "incomplete", "{kept}");
    let ids = (kept["vpc_id"].clone(), kept["cluster_id"].clone());

    sandbox.clear_faults()?;
    sandbox.fault(&json!({"cluster_stuck": false}))?;
    terraform.edit("\"5s\"", "\"30m\"")?;
    let plan = terraform.plan()?.text();
    ensure!(
        plan.contains("incomplete") && plan.contains("nothing is deleted"),
        "{plan}"
    );
    let before = sandbox.mark()?;
    terraform.apply()?.ok()?;
    let calls = sandbox.journal(before)?;
    ensure!(
        !calls.iter().any(|call| call.method == "DELETE"),
        "{calls:?}"
    );
    let ready = terraform
        .resource("slipway_platform.main")?
        .context("no platform")?;
    ensure!(
        (ready["vpc_id"].clone(), ready["cluster_id"].clone()) == ids,
        "{ready}"
    );
    ensure!(ready["phase"] == "ready");
    unchanged(&terraform)?;

    let refused = terraform.destroy()?.failed()?.text();
    ensure!(refused.contains("SLW-121"), "{refused}");
    terraform.edit("deletion_protection = true", "deletion_protection = false")?;
    terraform.apply()?.ok()?;
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn a_continued_create_survives_create_before_destroy() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let configuration = configuration::platform("order", &[]).replace(
        "deletion_protection = false",
        "deletion_protection = false\n  timeouts = { create = \"5s\" }\n  lifecycle {\n    create_before_destroy = true\n  }",
    );
    let terraform = Terraform::new(&sandbox, &configuration)?;
    sandbox.fault(&json!({"cluster_stuck": true}))?;
    terraform.apply()?.failed()?;
    // The second create takes over and fails, too; then the instance of the first is destroyed.
    terraform.apply()?.failed()?;
    sandbox.clear_faults()?;
    sandbox.fault(&json!({"cluster_stuck": false}))?;
    terraform.edit("\"5s\"", "\"30m\"")?;
    terraform.apply()?.ok()?;
    ensure!(sandbox.count("cluster")? == 1 && sandbox.count("vpc")? == 1);
    unchanged(&terraform)?;
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn a_real_replacement_takes_the_old_platform_down_first() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("moved", &[]))?;
    terraform.apply()?.ok()?;
    let before = cluster(&sandbox)?["id"].clone();
    terraform.edit("\"10.20.0.0/20\"", "\"10.30.0.0/20\"")?;
    terraform.apply()?.ok()?;
    ensure!(cluster(&sandbox)?["id"] != before);
    ensure!(sandbox.count("cluster")? == 1 && sandbox.count("vpc")? == 1);
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn a_protected_platform_is_neither_replaced_nor_destroyed_by_a_plan() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let protected = configuration::platform("safe", &[])
        .replace("deletion_protection = false", "deletion_protection = true");
    let terraform = Terraform::new(&sandbox, &protected)?;
    terraform.apply()?.ok()?;
    let (from, to) = ("\"10.20.0.0/20\"", "\"10.30.0.0/20\"");
    terraform.edit(from, to)?;
    let refused = terraform.plan()?.failed()?.text();
    ensure!(
        refused.contains("SLW-121") && refused.contains("network_cidr"),
        "{refused}"
    );
    terraform.edit(to, from)?;
    let before = sandbox.mark()?;
    let refused = terraform.destroy()?.failed()?.text();
    ensure!(refused.contains("SLW-121"), "{refused}");
    ensure!(!sandbox.journal(before)?.iter().any(Call::writes));
    terraform.edit(
        "kubernetes_version  = \"1.36\"",
        "kubernetes_version  = \"1.35\"",
    )?;
    let refused = terraform.plan()?.failed()?.text();
    ensure!(
        refused.contains("SLW-120") && refused.contains("v1.36"),
        "{refused}"
    );
    Ok(())
}

#[test]
fn a_plan_is_possible_while_the_key_is_not_known_yet() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let configuration = configuration::platform("early", &[])
        + r#"
resource "terraform_data" "key" {
  input = "made during the apply"
}
provider "slipway" {
  api_key = terraform_data.key.output
}
"#;
    let terraform = Terraform::new(&sandbox, &configuration)?;
    let plan = terraform.plan()?;
    ensure!(plan.code == 2, "{}", plan.text());
    ensure!(
        sandbox.journal(0)?.is_empty(),
        "the account was asked without a key"
    );
    Ok(())
}

fn pool(sandbox: &Sandbox, label: &str) -> Result<serde_json::Value> {
    let pools = cluster(sandbox)?["node_pools"].clone();
    let found = pools
        .as_array()
        .into_iter()
        .flatten()
        .find(|pool| pool["label"] == label);
    found
        .cloned()
        .with_context(|| format!("no pool {label}: {pools}"))
}

fn mark_of(sandbox: &Sandbox, kind: &str) -> Result<String> {
    let objects = sandbox.objects()?;
    let object = objects
        .iter()
        .find(|object| object["kind"] == kind)
        .context("no such object")?;
    Ok(object["label"].as_str().unwrap_or_default().to_owned())
}
