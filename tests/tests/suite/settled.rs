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
