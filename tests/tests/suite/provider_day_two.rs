//! What comes after the first apply, with the real Terraform against an account of records: pools that are replaced in
//! place, upgrades, drift, import.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Sandbox, SandboxOptions, Terraform, configuration, kill_in_group, until};

use super::settled::{cluster, empty, unchanged};

const APPLY: [&str; 4] = ["apply", "-auto-approve", "-input=false", "-no-color"];

const POOL: &str = r#"
resource "slipway_node_pool" "web" {
  cluster_id = slipway_platform.main.cluster_id
  name       = "web"
  kind       = "general-public"
  plan       = "vc2-2c-4gb"
  labels     = { "slipway.dev/pool" = "general-public" }
  taints     = []
}
"#;

#[test]
fn a_new_plan_or_name_replaces_a_pool_in_place_and_never_makes_a_third() -> Result<()> {
    let (sandbox, terraform) = platform("surge", "1.36", POOL)?;
    let before = pool(&sandbox, "web")?;
    let first = id_of(&before)?;

    terraform.edit("\"vc2-2c-4gb\"", "\"vc2-4c-8gb\"")?;
    let plan = terraform.plan()?;
    ensure!(plan.code == 2, "{}", plan.text());
    let text = plan.text();
    for part in [
        "Node pool will be replaced",
        "updated in-place",
        "0 to destroy",
        &format!("web-{}", &first[..8]),
    ] {
        ensure!(text.contains(part), "no {part:?} in {text}");
    }
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    let after = only_pool(&sandbox, &format!("web-{}", &first[..8]))?;
    ensure!(
        after["plan"] == "vc2-4c-8gb" && after["tag"] == "slipway:surge",
        "{after}"
    );
    let kept = resource(&terraform, "slipway_node_pool.web")?;
    ensure!(kept["name"] == "web" && kept["id"] == after["id"], "{kept}");

    // A name is part of the label, so it needs another pool as well.
    terraform.edit("name       = \"web\"", "name       = \"shop\"")?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    let second = id_of(&after)?;
    only_pool(&sandbox, &format!("shop-{}", &second[..8]))?;

    // What Vultr can change is changed where it is.
    terraform.edit(
        "taints     = []",
        "taints = [{ key = \"shop\", value = \"only\", effect = \"NoSchedule\" }]",
    )?;
    terraform.edit("labels     = {", "labels     = { tier = \"front\",")?;
    let third = id_of(&pool(&sandbox, &format!("shop-{}", &second[..8]))?)?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    let settled = pool(&sandbox, &format!("shop-{}", &second[..8]))?;
    ensure!(
        id_of(&settled)? == third,
        "labels replaced the pool: {settled}"
    );
    ensure!(settled["labels"]["tier"] == "front", "{settled}");
    ensure!(settled["taints"][0]["key"] == "shop", "{settled}");
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn a_replacement_killed_anywhere_is_continued_and_one_given_up_is_taken_back() -> Result<()> {
    let (sandbox, terraform) = slow_platform("killed", POOL)?;
    terraform.edit("\"vc2-2c-4gb\"", "\"vc2-4c-8gb\"")?;
    // The first pool stands beside web and what replaces it.
    killed_when(&terraform, "both pools are there", || {
        Ok(sandbox.count("node_pool")? == 3)
    })?;
    // Held off for a moment, or the pool would be gone as soon as it is closed.
    sandbox.fault(&json!({
        "method": "DELETE", "path": "/kubernetes/clusters/*/node-pools/*",
        "action": {"status": 429, "retry_after": 2}, "times": 0,
    }))?;
    killed_when(&terraform, "the old pool is closed", || {
        closed(&sandbox, "web")
    })?;
    sandbox.clear_faults()?;

    // The old plan is wanted again: nothing of the replacement stays, and the old nodes are open.
    terraform.edit("\"vc2-4c-8gb\"\n  labels", "\"vc2-2c-4gb\"\n  labels")?;
    let plan = terraform.plan()?;
    ensure!(
        plan.code == 2,
        "a half done replacement was no difference: {}",
        plan.text()
    );
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    only_pool(&sandbox, "web")?;
    ensure!(!closed(&sandbox, "web")?, "the old pool stayed closed");

    let first = id_of(&pool(&sandbox, "web")?)?;
    terraform.edit("\"vc2-2c-4gb\"\n  labels", "\"vc2-4c-8gb\"\n  labels")?;
    killed_when(&terraform, "the old pool is gone", || {
        Ok(pool(&sandbox, "web").is_err())
    })?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    only_pool(&sandbox, &format!("web-{}", &first[..8]))?;
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn the_first_pool_of_a_protected_platform_is_replaced_like_any_other() -> Result<()> {
    let (sandbox, terraform) = platform("first", "1.36", "")?;
    terraform.edit("deletion_protection = false", "deletion_protection = true")?;
    terraform.edit("plan = \"vc2-4c-8gb\"", "plan = \"vc2-6c-16gb\"")?;
    let plan = terraform.plan()?.text();
    ensure!(
        plan.contains("Node pool will be replaced") && plan.contains("0 to destroy"),
        "{plan}"
    );
    let (cluster_before, pool_before) = (
        id_of(&cluster(&sandbox)?)?,
        id_of(&pool(&sandbox, "general-restricted")?)?,
    );
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    ensure!(id_of(&cluster(&sandbox)?)? == cluster_before);
    let label = format!("general-restricted-{}", &pool_before[..8]);
    let after = only_pool(&sandbox, &label)?;
    ensure!(
        after["plan"] == "vc2-6c-16gb" && after["min_nodes"] == 1,
        "{after}"
    );
    ensure!(after["taints"][0]["key"] == "CriticalAddonsOnly", "{after}");
    Ok(())
}

#[test]
fn changes_in_the_console_are_seen_and_mended_and_what_the_scaler_does_is_not() -> Result<()> {
    let more = POOL.replace("taints     = []", "taints     = []\n  max_nodes  = 3");
    let (sandbox, terraform) = platform("console", "1.36", &more)?;
    let cluster_id = id_of(&cluster(&sandbox)?)?;
    let path = |label: &str, rest: &str| -> Result<String> {
        let id = id_of(&pool(&sandbox, label)?)?;
        Ok(format!(
            "kubernetes/clusters/{cluster_id}/node-pools/{id}{rest}"
        ))
    };
    let web = path("web", "")?;
    sandbox.call("PATCH", &web, Some(&json!({"node_quantity": 3})))?;
    unchanged(&terraform)?;

    let changes: [(&str, &str, String, Value, &str); 6] = [
        (
            "a label",
            "POST",
            path("web", "/labels")?,
            json!({"key": "by", "value": "hand"}),
            "by",
        ),
        (
            "a taint",
            "POST",
            path("web", "/taints")?,
            json!({"key": "by", "value": "hand", "effect": "NoSchedule"}),
            "hand",
        ),
        (
            "bounds",
            "PATCH",
            web.clone(),
            json!({"max_nodes": 9}),
            "max_nodes",
        ),
        (
            "a tag",
            "PATCH",
            web.clone(),
            json!({"tag": "mine"}),
            "mark",
        ),
        (
            "the tag of the first pool",
            "PATCH",
            path("general-restricted", "")?,
            json!({"tag": "mine"}),
            "drifted",
        ),
        (
            "a taint of the first pool",
            "POST",
            path("general-restricted", "/taints")?,
            json!({"key": "by", "value": "hand", "effect": "NoSchedule"}),
            "drifted",
        ),
    ];
    for (what, method, path, body, shown) in &changes {
        sandbox.call(method, path, Some(body))?;
        let plan = terraform.plan()?;
        ensure!(
            plan.code == 2 && plan.text().contains(shown),
            "{what}: {}",
            plan.text()
        );
    }
    let vpc = sandbox.call("GET", "vpcs", None)?["vpcs"][0]["id"].clone();
    let vpc = vpc.as_str().context("no id")?;
    sandbox.call(
        "PUT",
        &format!("vpcs/{vpc}"),
        Some(&json!({"description": "mine"})),
    )?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    let (web, first) = (
        pool(&sandbox, "web")?,
        pool(&sandbox, "general-restricted")?,
    );
    ensure!(
        web["labels"].get("by").is_none() && web["max_nodes"] == 3,
        "{web}"
    );
    ensure!(
        web["node_quantity"] == 3,
        "the scaler's number was changed: {web}"
    );
    ensure!(
        web["tag"] == "slipway:console" && first["tag"] == "slipway:console",
        "{web} {first}"
    );
    ensure!(
        first["taints"].as_array().map(Vec::len) == Some(1),
        "{first}"
    );
    ensure!(sandbox.call("GET", "vpcs", None)?["vpcs"][0]["description"] == "slipway:console");

    a_foreign_pool_is_named_and_left_alone(&sandbox, &terraform, &cluster_id)?;
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

fn a_foreign_pool_is_named_and_left_alone(
    sandbox: &Sandbox,
    terraform: &Terraform,
    cluster_id: &str,
) -> Result<()> {
    let foreign =
        json!({"label": "theirs", "plan": "vc2-2c-4gb", "node_quantity": 1, "tag": "somebody"});
    sandbox.call(
        "POST",
        &format!("kubernetes/clusters/{cluster_id}/node-pools"),
        Some(&foreign),
    )?;
    let plan = terraform.plan()?;
    ensure!(
        plan.code == 0 && plan.text().contains("Foreign node pools"),
        "{}",
        plan.text()
    );
    terraform.apply()?.ok()?;
    ensure!(pool(sandbox, "theirs")?["tag"] == "somebody");
    Ok(())
}

#[test]
fn an_upgrade_goes_forward_one_minor_and_waits_for_every_node() -> Result<()> {
    let (sandbox, terraform) = platform("raise", "1.34", POOL)?;
    let builds = versions(&sandbox)?;
    let newest = |minor: &str| -> Result<String> {
        let found = builds.iter().find(|build| build.starts_with(minor));
        found
            .cloned()
            .with_context(|| format!("no {minor} among {builds:?}"))
    };
    let (old, next) = (newest("v1.34")?, newest("v1.35")?);

    terraform.edit("\"1.34\"", "\"1.36\"")?;
    let skipped = terraform.plan()?.failed()?.text();
    ensure!(
        skipped.contains("SLW-120") && skipped.contains(&next),
        "{skipped}"
    );
    terraform.edit("\"1.36\"", "\"1.35\"")?;
    let plan = terraform.plan()?.text();
    ensure!(
        plan.contains("Kubernetes will be upgraded") && plan.contains(&format!("{old} -> {next}")),
        "{plan}"
    );
    let nodes = nodes(&sandbox)?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    ensure!(cluster(&sandbox)?["version"] == next.as_str());
    let after = self::nodes(&sandbox)?;
    ensure!(
        after.iter().all(|node| !nodes.contains(node)),
        "a node stayed: {after:?}"
    );
    ensure!(pool(&sandbox, "general-restricted")?["tag"] == "slipway:raise");

    terraform.edit("\"1.35\"", "\"1.34\"")?;
    let lowered = terraform.plan()?.failed()?.text();
    ensure!(
        lowered.contains("SLW-120") && lowered.contains("never lowered"),
        "{lowered}"
    );
    terraform.edit("\"1.34\"", "\"1.35\"")?;
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn an_upgrade_that_was_killed_is_adopted_and_a_stuck_one_names_what_it_waits_for() -> Result<()> {
    let (sandbox, terraform) = slow_platform("adopt", "")?;
    let before = sandbox.mark()?;
    terraform.edit("\"1.35\"", "\"1.36\"")?;
    let upgrades = |sandbox: &Sandbox| -> Result<usize> {
        let calls = sandbox.journal(before)?;
        Ok(calls
            .iter()
            .filter(|call| {
                call.method == "POST" && call.path.ends_with("/upgrades") && call.status == 202
            })
            .count())
    };
    killed_when(&terraform, "the upgrade is marked", || {
        let tag = pool(&sandbox, "general-restricted")?["tag"].clone();
        Ok(tag
            .as_str()
            .is_some_and(|tag| tag.contains("(upgrading v1.36")))
    })?;
    killed_when(&terraform, "the control plane has it", || {
        let version = cluster(&sandbox)?["version"].clone();
        Ok(version
            .as_str()
            .is_some_and(|build| build.starts_with("v1.36")))
    })?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    ensure!(upgrades(&sandbox)? == 1, "the upgrade was begun again");
    ensure!(pool(&sandbox, "general-restricted")?["tag"] == "slipway:adopt");
    terraform.destroy()?.ok()?;
    empty(&sandbox)?;

    let (sandbox, terraform) = platform("stuck", "1.35", "")?;
    sandbox.fault(&json!({"upgrade_stuck": true}))?;
    terraform.edit("\"1.35\"", "\"1.36\"\n  timeouts = { update = \"4s\" }")?;
    let failed = terraform.apply()?.failed()?.text();
    ensure!(
        failed.contains("SLW-214") && failed.contains("v1.35"),
        "{failed}"
    );
    let kept = resource(&terraform, "slipway_platform.main")?;
    ensure!(kept["phase"] == "unsettled", "{kept}");
    sandbox.clear_faults()?;
    sandbox.fault(&json!({"upgrade_stuck": false}))?;
    terraform.edit("\"4s\"", "\"10m\"")?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    ensure!(
        cluster(&sandbox)?["version"]
            .as_str()
            .is_some_and(|build| build.starts_with("v1.36"))
    );
    Ok(())
}

#[test]
fn pools_are_imported_by_name_or_id_and_plan_nothing_also_after_a_replacement() -> Result<()> {
    let (sandbox, first) = platform("again", "1.36", POOL)?;
    first.edit("\"vc2-2c-4gb\"", "\"vc2-4c-8gb\"")?;
    first.apply()?.ok()?;
    let cluster_id = id_of(&cluster(&sandbox)?)?;
    let pools = cluster(&sandbox)?["node_pools"].clone();
    let web = pools
        .as_array()
        .into_iter()
        .flatten()
        .find(|pool| pool["plan"] == "vc2-4c-8gb" && pool["label"] != "general-restricted")
        .context("no pool web")?;
    let alone = POOL.replace("\"vc2-2c-4gb\"", "\"vc2-4c-8gb\"").replace(
        "slipway_platform.main.cluster_id",
        &format!("\"{cluster_id}\""),
    );
    let header = "terraform {\n  required_providers {\n    slipway = { source = \"slipway/slipway\" }\n  }\n}\n";
    for wanted in ["web", &id_of(web)?] {
        let block = format!(
            "import {{\n  to = slipway_node_pool.web\n  id = \"{cluster_id}/{wanted}\"\n}}\n"
        );
        let second = Terraform::new(&sandbox, &format!("{header}{block}{alone}"))?;
        let plan = second.plan()?.text();
        ensure!(
            plan.contains("1 to import, 0 to add, 0 to change, 0 to destroy"),
            "{wanted}: {plan}"
        );
        second.apply()?.ok()?;
        unchanged(&second)?;
    }
    let missing = Terraform::new(
        &sandbox,
        &format!(
            "{header}import {{\n  to = slipway_node_pool.web\n  id = \"{cluster_id}/wbe\"\n}}\n{alone}"
        ),
    )?;
    let told = missing.plan()?.failed()?.text();
    ensure!(
        told.contains("SLW-127") && told.contains("It has: general-restricted, web"),
        "{told}"
    );
    Ok(())
}

/// A sandbox with a platform of this name and constraint, and what else there is.
fn platform(name: &str, version: &str, more: &str) -> Result<(Sandbox, Terraform)> {
    start(SandboxOptions::records(), name, version, more)
}

/// The same in an account that moves slowly enough to be caught in the middle.
fn slow_platform(name: &str, more: &str) -> Result<(Sandbox, Terraform)> {
    let options = SandboxOptions {
        speed: 120,
        ..SandboxOptions::records()
    };
    start(options, name, "1.35", more)
}

fn start(
    options: SandboxOptions,
    name: &str,
    version: &str,
    more: &str,
) -> Result<(Sandbox, Terraform)> {
    let sandbox = Sandbox::start(options)?;
    let configuration =
        configuration::platform(name, &[]).replace("\"1.36\"", &format!("\"{version}\"")) + more;
    let terraform = Terraform::new(&sandbox, &configuration)?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    Ok((sandbox, terraform))
}

/// Starts an apply and kills the provider as soon as something holds.
fn killed_when(
    terraform: &Terraform,
    what: &str,
    mut holds: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let child = terraform.spawn(&APPLY)?;
    // Between plan and apply there is no provider for a moment.
    until(what, || {
        Ok(holds()? && kill_in_group(&child, "terraform-provider-slipway").is_ok())
    })?;
    // It may have come to its end before the kill did: what is checked afterwards holds then, too.
    Terraform::finish(child).map(drop)
}

fn resource(terraform: &Terraform, address: &str) -> Result<Value> {
    terraform
        .resource(address)?
        .with_context(|| format!("{address} is not in the state"))
}

fn pools(sandbox: &Sandbox) -> Result<Vec<Value>> {
    let pools = cluster(sandbox)?["node_pools"].clone();
    Ok(pools.as_array().cloned().unwrap_or_default())
}

fn pool(sandbox: &Sandbox, label: &str) -> Result<Value> {
    let pools = pools(sandbox)?;
    let found = pools.iter().find(|pool| pool["label"] == label);
    found
        .cloned()
        .with_context(|| format!("no pool {label}: {pools:?}"))
}

/// The pool of a label, when no other one begins with the same name.
fn only_pool(sandbox: &Sandbox, label: &str) -> Result<Value> {
    let name = label.split_once('-').map_or(label, |(name, _)| name);
    let pools = pools(sandbox)?;
    let named = pools
        .iter()
        .filter(|pool| {
            pool["label"]
                .as_str()
                .is_some_and(|label| label.starts_with(name))
        })
        .count();
    ensure!(named == 1, "{named} pools begin with {name}: {pools:?}");
    pool(sandbox, label)
}

fn nodes(sandbox: &Sandbox) -> Result<Vec<String>> {
    let ids = pools(sandbox)?
        .iter()
        .flat_map(|pool| pool["nodes"].as_array().cloned().unwrap_or_default())
        .filter_map(|node| node["id"].as_str().map(str::to_owned))
        .collect();
    Ok(ids)
}

/// Whether every node of a pool is closed for new pods.
fn closed(sandbox: &Sandbox, label: &str) -> Result<bool> {
    let id = id_of(&cluster(sandbox)?)?;
    let list = sandbox.get(&format!("_clusters/{id}/api/v1/nodes"))?;
    let nodes: Vec<&Value> = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|node| node["metadata"]["labels"]["vke.vultr.com/node-pool"] == label)
        .collect();
    Ok(!nodes.is_empty()
        && nodes
            .iter()
            .all(|node| node["spec"]["unschedulable"] == true))
}

fn versions(sandbox: &Sandbox) -> Result<Vec<String>> {
    let versions = sandbox.call("GET", "kubernetes/versions", None)?;
    serde_json::from_value(versions["versions"].clone()).context("no list of versions")
}

fn id_of(object: &Value) -> Result<String> {
    let id = object["id"].as_str();
    id.map(str::to_owned)
        .with_context(|| format!("no id: {object}"))
}
