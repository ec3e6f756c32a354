//! What comes after the first apply, with the real Terraform against an account of records: pools that are replaced in
//! place, upgrades, drift.

mod drift;
mod replacement;
mod upgrades;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use slipway_tests::{Sandbox, SandboxOptions, Terraform, configuration, kill_in_group, until};

use super::settled::{cluster, unchanged};

const APPLY: [&str; 4] = ["apply", "-auto-approve", "-input=false", "-no-color"];

/// A pool beside the platform's own.
pub(super) const POOL: &str = r#"
resource "slipway_node_pool" "web" {
  cluster_id = slipway_platform.main.cluster_id
  name       = "web"
  kind       = "general-public"
  plan       = "vc2-2c-4gb"
  labels     = { "slipway.dev/pool" = "general-public" }
  taints     = []
}
"#;

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
    let mut child = terraform.spawn(&APPLY)?;
    until(what, || {
        ensure!(
            child.try_wait()?.is_none(),
            "the apply came to its end before the provider was killed; hold it off longer: {what}"
        );
        // Between plan and apply there is no provider for a moment.
        Ok(holds()? && kill_in_group(&child, "terraform-provider-slipway").is_ok())
    })?;
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
    let list = sandbox.in_cluster("GET", &id, "api/v1/nodes")?;
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
