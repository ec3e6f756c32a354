//! What must stand in the account and in the state, given what was wished for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::driven::{Account, Deployment, PoolWish, Wish, is_successor};

use super::foreign::Foreign;

/// The first pool of every platform.
const SYSTEM: &str = "general-restricted";

/// Fails unless account and state are what the wish says and nothing else.
pub(crate) async fn check(
    account: &Account,
    state: &Deployment,
    wish: &Wish,
    foreign: &Foreign,
) -> Result<()> {
    let objects = account.objects().await?;
    foreign.untouched(&objects)?;
    account.check().await?;
    let ours: Vec<&Value> = objects
        .iter()
        .filter(|object| !foreign.owns(&object["id"]))
        .collect();
    let count = |kind: &str| ours.iter().filter(|object| object["kind"] == kind).count();
    ensure!(count("vpc") == 1, "{} VPCs", count("vpc"));
    ensure!(count("cluster") == 1, "{} clusters", count("cluster"));
    let others = ours.iter().find(|object| {
        let kind = object["kind"].as_str().unwrap_or_default();
        !matches!(kind, "vpc" | "cluster" | "node_pool" | "node")
    });
    ensure!(others.is_none(), "left in the account: {others:?}");

    let mark = wish.platform.mark();
    let clusters = account.clusters(&mark).await?;
    let cluster = clusters
        .first()
        .with_context(|| format!("no cluster is called {mark}"))?;
    let vpc = ours.iter().find(|object| object["kind"] == "vpc");
    let vpc = vpc.context("no VPC")?;
    ensure!(
        vpc["label"] == mark.as_str(),
        "the VPC is called {}",
        vpc["label"]
    );
    let version = cluster["version"].as_str().unwrap_or_default();
    let wanted = format!("v{}.", wish.platform.version);
    ensure!(version.starts_with(&wanted), "{version} is no {wanted}");
    let platform = state.platform().context("no platform in the state")?;
    for (attribute, value) in [
        ("cluster_id", &cluster["id"]),
        ("vpc_id", &vpc["id"]),
        ("kubernetes_build", &cluster["version"]),
        ("phase", &json!("ready")),
    ] {
        let stored = platform.get(attribute);
        ensure!(
            stored == value,
            "{attribute} is {stored} in the state, {value} in the account"
        );
    }
    check_pools(cluster, state, wish)
}

fn check_pools(cluster: &Value, state: &Deployment, wish: &Wish) -> Result<()> {
    let pools = cluster["node_pools"].as_array().context("no pools")?;
    let mut left: BTreeSet<&str> = pools
        .iter()
        .filter_map(|pool| pool["id"].as_str())
        .collect();
    let named = |name: &str| {
        let mut found = pools.iter().filter(|pool| {
            let label = pool["label"].as_str().unwrap_or_default();
            label == name || is_successor(label, name)
        });
        let first = found.next().with_context(|| format!("no pool {name}"))?;
        ensure!(found.next().is_none(), "two pools {name}");
        Ok(first)
    };
    let system = named(SYSTEM)?;
    check_size(system, &wish.platform.plan, wish.platform.nodes)?;
    left.remove(system["id"].as_str().unwrap_or_default());
    for (name, pool) in &wish.pools {
        let found = named(name)?;
        left.remove(found["id"].as_str().unwrap_or_default());
        check_size(found, &pool.plan, pool.nodes)?;
        check_traits(found, pool)?;
        ensure!(
            found["tag"] == wish.platform.mark().as_str(),
            "pool {name} is tagged {}",
            found["tag"]
        );
        let stored = state
            .pool(name)
            .with_context(|| format!("no {name} in the state"))?;
        ensure!(
            *stored.get("id") == found["id"],
            "the state has another pool {name}"
        );
    }
    ensure!(left.is_empty(), "pools that nobody asked for: {left:?}");
    Ok(())
}

fn check_size(pool: &Value, plan: &str, (fewest, most): (u32, u32)) -> Result<()> {
    let scales = most > fewest;
    let quantity = pool["node_quantity"].as_u64().unwrap_or_default();
    // The number of a pool that scales is the autoscaler's, which nobody plays here.
    let fits = if scales {
        pool["min_nodes"] == fewest && pool["max_nodes"] == most
    } else {
        quantity == u64::from(fewest)
    };
    ensure!(
        fits && pool["plan"] == plan && pool["auto_scaler"] == scales,
        "wanted {fewest} to {most} nodes of {plan}, found {pool}"
    );
    Ok(())
}

fn check_traits(pool: &Value, wish: &PoolWish) -> Result<()> {
    let labels: BTreeMap<String, String> = serde_json::from_value(pool["labels"].clone())?;
    ensure!(
        labels == wish.labels,
        "labels {labels:?}, wanted {:?}",
        wish.labels
    );
    let taints = pool["taints"].as_array().context("no taints")?;
    let keys: BTreeSet<&str> = taints
        .iter()
        .filter_map(|taint| taint["key"].as_str())
        .collect();
    let wanted: BTreeSet<&str> = wish.taints.iter().map(String::as_str).collect();
    ensure!(keys == wanted, "taints {keys:?}, wanted {wanted:?}");
    Ok(())
}
