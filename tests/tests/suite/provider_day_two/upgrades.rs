//! Upgrades: where to, how long they wait, and what becomes of a broken-off one.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use slipway_tests::Sandbox;

use super::super::settled::{cluster, empty, unchanged};
use super::{POOL, killed_when, nodes, platform, pool, resource, slow_platform, versions};

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
