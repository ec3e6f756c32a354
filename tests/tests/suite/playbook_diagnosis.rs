//! Why a component is not ready, as its role finds out in a real cluster.

use std::process::Command;

use anyhow::{Result, ensure};
use slipway_tests::{Cluster, Sandbox, SandboxOptions, Terraform, configuration};

#[test]
fn every_condition_is_told_by_its_code() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("diagnosis", &[]))?;
    terraform.apply()?.ok()?;
    let cluster = Cluster::only(&sandbox)?;
    let output = Command::new(slipway_tests::engines()?.join("venv/bin/python"))
        .args(["-B", "tests/playbooks/conditions_on_cluster.py"])
        .current_dir(slipway_tests::workspace())
        .env("KUBECONFIG", cluster.kubeconfig())
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    terraform.destroy()?.ok()?;
    Ok(())
}
