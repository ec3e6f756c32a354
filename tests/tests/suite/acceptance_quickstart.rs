//! The main job: `examples/quickstart` applied, applied again, changed, destroyed, on real hosts, clusters and stores.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use slipway_tests::{Cluster, Core, Sandbox, SandboxOptions, Terraform, configuration::COMPONENTS};

use super::settled::refreshed;

const PLATFORM: &str = "module.platform.slipway_platform.this";
const RUN_AGAIN: &str = r#"
terraform {
  required_providers {
    slipway = { source = "slipway/slipway" }
  }
}

action "slipway_run_component" "again" {
  config {
    platform_id = "quickstart"
    component   = "valkey"
    domain      = "platform.quickstart.example"
  }
}
"#;
const CLAIM_ALONE: &str = r#"
terraform {
  required_providers {
    slipway = { source = "slipway/slipway" }
  }
}

resource "slipway_environment_claim" "feature_x" {
  platform_id      = "quickstart"
  environment_name = "dev-team1-feature-x"
  environment_type = "dev"
  environment_pool = "team1"
  user             = "john.doe@company.com"

  services = {
    "user-service" = "v1.2.3"
    "auth-service" = "^1.0.0.0"
    "api-gateway"  = "1.x.x.x"
  }
}

import {
  to = slipway_environment_claim.feature_x
  identity = {
    platform_id      = "quickstart"
    environment_name = "dev-team1-feature-x"
  }
}
"#;
const CLAIMS: &str = r#"
list "slipway_environment_claim" "all" {
  provider         = slipway
  include_resource = true

  config {
    platform_id = "quickstart"
  }
}
"#;

#[test]
fn quickstart_applies_settles_changes_and_leaves_nothing() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let before = sandbox.objects()?;
    let terraform = Terraform::example(&sandbox, "quickstart")?;

    terraform.apply()?.ok()?;
    let cluster = Cluster::only(&sandbox)?;
    every_component_is_recorded_and_ready(&cluster)?;
    releases_agree_with_the_state(&cluster, &terraform)?;
    refreshed(&terraform)?;
    no_host_outlives_the_run(&sandbox)?;

    one_component_runs_again_on_request(&sandbox, &cluster)?;
    no_host_outlives_the_run(&sandbox)?;
    nothing_to_do(&sandbox, &terraform, &cluster)?;
    an_import_plans_nothing(&sandbox)?;
    a_claim_is_found_and_imported_by_its_identity(&sandbox)?;
    a_change_runs_what_it_touches(&terraform, &cluster)?;

    terraform.destroy()?.ok()?;
    let left = sandbox.objects()?;
    ensure!(
        left == before,
        "the account was {before:#?} and is {left:#?}"
    );
    sandbox.stop()
}

fn every_component_is_recorded_and_ready(cluster: &Cluster) -> Result<()> {
    let journal = cluster.journal()?;
    let recorded: Vec<&str> = journal.keys().map(String::as_str).collect();
    ensure!(recorded == COMPONENTS, "the journal holds {recorded:?}");
    for (component, record) in &journal {
        ensure!(
            record["outcome"] == "ok",
            "{component} ended with {record:?}"
        );
    }
    let workloads = cluster.workloads()?;
    for workload in &workloads {
        ensure!(workload.ready >= workload.wanted, "not ready: {workload:?}");
    }
    for namespace in [
        "cnpg-system",
        "crossplane-system",
        "flux-system",
        "infisical",
        "kong",
        "minio",
        "opal",
        "valkey",
    ] {
        ensure!(
            workloads
                .iter()
                .any(|workload| workload.namespace == namespace),
            "nothing runs in {namespace}: {workloads:?}"
        );
    }
    Ok(())
}

fn releases_agree_with_the_state(cluster: &Cluster, terraform: &Terraform) -> Result<()> {
    let platform = terraform
        .resource(PLATFORM)?
        .context("no platform in the state")?;
    let releases = cluster.releases()?;
    for component in COMPONENTS {
        let status = &platform["component_status"][component];
        let chart = format!("{}-{}", text(&status["chart"])?, text(&status["version"])?);
        ensure!(
            releases.values().any(|installed| *installed == chart),
            "the state says {component} is {chart}, helm lists {releases:?}"
        );
    }
    Ok(())
}

fn no_host_outlives_the_run(sandbox: &Sandbox) -> Result<()> {
    let hosts: Vec<Value> = sandbox
        .objects()?
        .into_iter()
        .filter(|object| object.to_string().contains(":bootstrap"))
        .collect();
    ensure!(
        hosts.is_empty(),
        "a bootstrap host outlived its run: {hosts:?}"
    );
    Ok(())
}

fn nothing_to_do(sandbox: &Sandbox, terraform: &Terraform, cluster: &Cluster) -> Result<()> {
    let records = cluster.journal()?;
    let mark = sandbox.mark()?;
    let run = terraform.apply()?.ok()?;
    ensure!(
        run.text().contains("No changes."),
        "the second apply did something:\n{}",
        run.stdout
    );
    let writes: Vec<_> = sandbox
        .journal(mark)?
        .into_iter()
        .filter(slipway_tests::Call::writes)
        .collect();
    ensure!(writes.is_empty(), "the second apply wrote: {writes:?}");
    ensure!(
        cluster.journal()? == records,
        "the second apply touched the journal"
    );
    Ok(())
}

/// The action on a real host: what it does is seen while it does it, and the journal knows of it.
fn one_component_runs_again_on_request(sandbox: &Sandbox, cluster: &Cluster) -> Result<()> {
    let before = cluster.journal()?;
    let terraform = Terraform::with_core(Core::Newest, sandbox, RUN_AGAIN)?;
    let invoke = "-invoke=action.slipway_run_component.again";
    let said = terraform
        .run(&[
            "apply",
            "-auto-approve",
            "-input=false",
            "-no-color",
            invoke,
        ])?
        .ok()?
        .text();
    let mut rest = said.as_str();
    for words in [
        "bootstrap host",
        "valkey: started",
        "Install chart valkey",
        "valkey: ok",
        "Action complete",
    ] {
        let (_, after) = rest
            .split_once(words)
            .with_context(|| format!("{words:?} is not told, or not in its turn:\n{said}"))?;
        rest = after;
    }
    let after = cluster.journal()?;
    for (name, record) in &after {
        let earlier = &before[name];
        ensure!(
            record["digest"] == earlier["digest"] && record["outcome"] == "ok",
            "{name} was {earlier:?} and is {record:?}"
        );
        let ran = record["run"] != earlier["run"];
        ensure!(ran == (name == "valkey"), "{name} ran: {ran}");
    }
    Ok(())
}

/// The settings that only the configuration knows are read from the real cluster.
fn an_import_plans_nothing(sandbox: &Sandbox) -> Result<()> {
    let terraform = Terraform::example(sandbox, "quickstart")?;
    terraform
        .run(&[
            "import",
            "-input=false",
            "-no-color",
            PLATFORM,
            "quickstart",
        ])?
        .ok()?;
    let target = format!("-target={PLATFORM}");
    let plan = terraform.run(&[
        "plan",
        "-detailed-exitcode",
        "-input=false",
        "-no-color",
        &target,
    ])?;
    ensure!(
        plan.code == 0,
        "the plan after the import is not empty:\n{}",
        plan.text()
    );
    Ok(())
}

fn a_claim_is_found_and_imported_by_its_identity(sandbox: &Sandbox) -> Result<()> {
    let terraform = Terraform::with_core(Core::Newest, sandbox, CLAIM_ALONE)?;
    let query = terraform.folder().join("claims.tfquery.hcl");
    std::fs::write(&query, CLAIMS)?;
    let found = terraform.run(&["query", "-no-color"])?.ok()?.text();
    ensure!(
        found.contains("environment_name=dev-team1-feature-x"),
        "{found}"
    );
    std::fs::remove_file(query)?;
    let plan = terraform.plan()?.text();
    ensure!(
        plan.contains("1 to import, 0 to add, 0 to change, 0 to destroy"),
        "{plan}"
    );
    Ok(())
}

fn a_change_runs_what_it_touches(terraform: &Terraform, cluster: &Cluster) -> Result<()> {
    let before = runs(cluster)?;
    let values = r#"components={ kong = { values = "replicaCount: 2" } }"#;
    terraform
        .run(&[
            "apply",
            "-auto-approve",
            "-input=false",
            "-no-color",
            "-var",
            values,
        ])?
        .ok()?;
    let after = runs(cluster)?;
    let touched: Vec<&str> = COMPONENTS
        .into_iter()
        .filter(|name| before[*name] != after[*name])
        .collect();
    ensure!(
        touched == ["infisical", "kong"],
        "kong changed and infisical uses it, but these ran: {touched:?}"
    );
    Ok(())
}

/// The run that each component's record comes from.
fn runs(cluster: &Cluster) -> Result<BTreeMap<String, String>> {
    Ok(cluster
        .journal()?
        .into_iter()
        .map(|(name, mut record)| (name, record.remove("run").unwrap_or_default()))
        .collect())
}

fn text(value: &Value) -> Result<&str> {
    value
        .as_str()
        .with_context(|| format!("{value} is no text"))
}
