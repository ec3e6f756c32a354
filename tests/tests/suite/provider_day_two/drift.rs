//! What was changed at the console, and what the autoscaler changes.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Sandbox, Terraform};

use super::super::settled::{cluster, empty, unchanged};
use super::{POOL, id_of, platform, pool};

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
