//! Pools that are replaced in place.

use anyhow::{Result, ensure};
use serde_json::json;

use super::super::settled::{cluster, empty, unchanged};
use super::{POOL, closed, id_of, killed_when, only_pool, platform, pool, resource, slow_platform};

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

    let before = sandbox.mark()?;
    terraform.edit("key = \"shop\"", "key = \"till\"")?;
    terraform.apply()?.ok()?;
    let calls = sandbox.journal(before)?;
    let order: Vec<&str> = calls
        .iter()
        .filter(|call| call.writes() && call.path.contains("/taints"))
        .map(|call| call.method.as_str())
        .collect();
    ensure!(
        order == ["POST", "DELETE"],
        "its nodes were without a taint: {order:?}"
    );
    unchanged(&terraform)?;
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
    // The answer is held off, or the apply would be at its end as soon as the pool is gone.
    sandbox.fault(&json!({
        "method": "DELETE", "path": "/kubernetes/clusters/*/node-pools/*",
        "action": "timeout_after", "hold_ms": 60_000,
    }))?;
    killed_when(&terraform, "the old pool is gone", || {
        Ok(pool(&sandbox, "web").is_err())
    })?;
    sandbox.clear_faults()?;
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
