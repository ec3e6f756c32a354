//! What a plan and a refresh cost that find nothing to do, as the number of node pools and of claims grows.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use slipway_tests::{Sandbox, SandboxOptions, Terraform, configuration};

use super::usage::{Usage, measured};

/// Node pools or claims that the series goes through.
const COUNTS: [usize; 4] = [1, 10, 100, 1_000];

/// One row of the table: a command over so many objects of one kind.
pub(super) struct Row {
    kind: &'static str,
    count: usize,
    command: &'static str,
    usage: Usage,
    vultr_calls: usize,
}

/// Heads the rows that [`Row::print`] prints.
#[expect(clippy::print_stdout, reason = "figures are the result of this task")]
pub(super) fn print_heading() {
    println!(
        "| objects | command | wall s | CPU s, Terraform and provider | peak MiB of the provider | Vultr calls |"
    );
    println!("|---|---|---|---|---|---|");
}

impl Row {
    #[expect(clippy::print_stdout, reason = "figures are the result of this task")]
    pub(super) fn print(&self) {
        println!(
            "| {} {} | {} | {:.1} | {:.1} | {:.0} | {} |",
            self.count,
            self.kind,
            self.command,
            self.usage.wall_seconds,
            self.usage.cpu_seconds,
            self.usage.peak_mebibytes,
            self.vultr_calls
        );
    }
}

/// Node pools of one cluster, in an account of records.
pub(super) fn pools() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for count in COUNTS {
        let sandbox = Sandbox::start(SandboxOptions::records())?;
        let mut terraform = Terraform::new(&sandbox, &with_pools(count))?;
        apply_all(&terraform)?;
        rows.extend(both_commands(&sandbox, &mut terraform, "pools", count)?);
    }
    Ok(rows)
}

/// Claims in one real bucket, behind a real cluster that only has the object store.
pub(super) fn claims() -> Result<Vec<Row>> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let platform = configuration::platform("bench", &["minio"]);
    let mut terraform = Terraform::new(&sandbox, &platform)?;
    apply_all(&terraform)?;
    let mut rows = Vec::new();
    for count in COUNTS {
        terraform.configure(&(platform.clone() + &with_claims(count)))?;
        apply_all(&terraform)?;
        rows.extend(both_commands(&sandbox, &mut terraform, "claims", count)?);
    }
    Ok(rows)
}

fn apply_all(terraform: &Terraform) -> Result<()> {
    terraform
        .run(&[
            "apply",
            "-auto-approve",
            "-input=false",
            "-no-color",
            "-parallelism=50",
        ])?
        .ok()?;
    Ok(())
}

fn both_commands(
    sandbox: &Sandbox,
    terraform: &mut Terraform,
    kind: &'static str,
    count: usize,
) -> Result<Vec<Row>> {
    // What is measured has the request budget that users have.
    terraform.unset("SLIPWAY_SANDBOX_SPEED");
    let commands: [(&'static str, &[&str]); 2] =
        [("plan", &["plan"]), ("refresh", &["plan", "-refresh-only"])];
    commands
        .into_iter()
        .map(|(command, words)| {
            let mut words = words.to_vec();
            words.extend(["-input=false", "-no-color"]);
            let mark = sandbox.mark()?;
            let (run, usage) = measured("terraform-provider-slipway", || terraform.run(&words))?;
            // Its exit code is no measure: Terraform 1.11 ends a refresh that finds nothing with 2.
            ensure!(
                run.text().contains("No changes."),
                "{command} over {count} {kind} finds something to do:\n{}",
                run.text()
            );
            Ok(Row {
                kind,
                count,
                command,
                usage,
                vultr_calls: sandbox.journal(mark)?.len(),
            })
        })
        .collect()
}

fn with_pools(count: usize) -> String {
    configuration::platform("bench", &[])
        + &format!(
            r#"
resource "slipway_node_pool" "pool" {{
  count      = {count}
  cluster_id = slipway_platform.main.cluster_id
  name       = "pool-${{count.index}}"
  kind       = "general-public"
  min_nodes  = 1
  max_nodes  = 1
}}
"#
        )
}

fn with_claims(count: usize) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        r#"
resource "slipway_environment_claim" "claim" {{
  count            = {count}
  platform_id      = slipway_platform.main.id
  environment_name = "dev-team1-bench-${{count.index}}"
  environment_type = "dev"
  environment_pool = "team1"
  user             = "john.doe@company.com"
  services         = {{ "user-service" = "v1.2.3" }}
}}
"#
    );
    text
}
