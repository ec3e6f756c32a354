//! What the tests of a destroy do in the account, past everything that is under test.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Sandbox, configuration, until};

/// A platform of this name that keeps volumes and load balancers.
pub(crate) fn keeping(name: &str) -> String {
    configuration::platform(name, &[]).replace(
        "volumes = \"delete\", load_balancers = \"delete\"",
        "volumes = \"retain\", load_balancers = \"retain\"",
    )
}

/// What stands in a cluster: ids of a volume that hangs on a node, of a load balancer, and of a file system.
pub(crate) struct Linked {
    pub(crate) volume: String,
    pub(crate) balancer: String,
    pub(crate) files: String,
}

/// Makes in the account what the drivers of a cluster would make.
pub(crate) fn link(sandbox: &Sandbox) -> Result<Linked> {
    let node = node(sandbox)?;
    let volume = volume(sandbox, "pvc-0123456789abcdef")?;
    attach(sandbox, &volume, &node)?;
    let balancer = sandbox.call(
        "POST",
        "load-balancers",
        Some(&json!({"region": "ams", "label": format!("a{}", "0123456789abcdef".repeat(2)), "instances": [node]})),
    )?;
    let files = sandbox.call(
        "POST",
        "vfs",
        Some(&json!({"region": "ams", "label": "pvc-fedcba9876543210", "disk_type": "nvme", "storage_size": {"gb": 10}})),
    )?;
    let files = id(&files)?;
    until("the file system is active", || {
        Ok(sandbox.call("GET", &format!("vfs/{files}"), None)?["status"] == "active")
    })?;
    sandbox.call("PUT", &format!("vfs/{files}/attachments/{node}"), None)?;
    Ok(Linked {
        volume,
        balancer: id(&balancer["load_balancer"])?,
        files,
    })
}

pub(crate) fn volume(sandbox: &Sandbox, label: &str) -> Result<String> {
    let made = sandbox.call(
        "POST",
        "blocks",
        Some(&json!({"region": "ams", "size_gb": 10, "label": label, "block_type": "high_perf"})),
    )?;
    let id = id(&made["block"])?;
    until("the volume is active", || {
        let block = sandbox.call("GET", &format!("blocks/{id}"), None)?;
        Ok(block["block"]["status"] == "active")
    })?;
    Ok(id)
}

/// A server is locked for a while after each attachment.
pub(crate) fn attach(sandbox: &Sandbox, volume: &str, server: &str) -> Result<()> {
    let body = json!({"instance_id": server, "live": true});
    until("the volume is attached", || {
        Ok(sandbox
            .call("POST", &format!("blocks/{volume}/attach"), Some(&body))
            .is_ok())
    })
}

pub(crate) fn node(sandbox: &Sandbox) -> Result<String> {
    let clusters = sandbox.call("GET", "kubernetes/clusters", None)?;
    id(&clusters["vke_clusters"][0]["node_pools"][0]["nodes"][0])
}

pub(crate) fn id(object: &Value) -> Result<String> {
    let id = object["id"].as_str();
    Ok(id.with_context(|| format!("no id in {object}"))?.to_owned())
}

pub(crate) fn ids(sandbox: &Sandbox) -> Result<Vec<String>> {
    let objects = sandbox.objects()?;
    let kinds = objects.iter().filter(|one| one["kind"] != "node");
    kinds.map(id).collect()
}

/// Runs the commands that a message names, as a person would.
pub(crate) fn follow(sandbox: &Sandbox, said: &str) -> Result<()> {
    let commands: Vec<&str> = said
        .lines()
        .map(|line| line.trim_matches(['│', ' ']))
        .filter(|line| line.starts_with("curl "))
        .collect();
    ensure!(!commands.is_empty(), "no command in:\n{said}");
    for command in commands {
        let run = Command::new("sh")
            .args(["-c", command])
            .env("VULTR_API_KEY", sandbox.api_key())
            .env("no_proxy", "127.0.0.1")
            .output()?;
        ensure!(
            run.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&run.stderr)
        );
    }
    Ok(())
}
