//! What the tests of the provider ask of a plan and of an account of records.

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use slipway_tests::{Sandbox, Terraform};

/// Fails unless a plan finds nothing to do.
pub(super) fn unchanged(terraform: &Terraform) -> Result<()> {
    let plan = terraform.plan()?;
    ensure!(
        plan.code == 0,
        "the plan is not empty:\n{}\n{}",
        plan.stdout,
        plan.stderr
    );
    Ok(())
}

/// Fails unless a refresh leaves the state as it is, what is kept beside the attributes included: whatever else it wrote
/// would come as a difference to those who look for drift every night.
pub(super) fn refreshed(terraform: &Terraform) -> Result<()> {
    let stored = || -> Result<Value> {
        let text = std::fs::read(terraform.folder().join("terraform.tfstate"))?;
        Ok(serde_json::from_slice::<Value>(&text)?["resources"].take())
    };
    let before = stored()?;
    let refresh = [
        "apply",
        "-refresh-only",
        "-auto-approve",
        "-input=false",
        "-no-color",
    ];
    terraform.run(&refresh)?.ok()?;
    ensure!(stored()? == before, "a refresh changes the state");
    Ok(())
}

/// Fails unless nothing is left in the account.
pub(crate) fn empty(sandbox: &Sandbox) -> Result<()> {
    let left = sandbox.objects()?;
    ensure!(left.is_empty(), "left in the account: {left:#?}");
    Ok(())
}

/// The account's only cluster.
pub(super) fn cluster(sandbox: &Sandbox) -> Result<Value> {
    let clusters = sandbox.call("GET", "kubernetes/clusters", None)?;
    match clusters["vke_clusters"].as_array().map(Vec::as_slice) {
        Some([one]) => Ok(one.clone()),
        other => bail!("one cluster was due: {other:?}"),
    }
}
