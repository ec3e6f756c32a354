//! How many calls a plan makes that finds nothing to do, as the number of node pools grows.

use std::time::Instant;

use anyhow::{Result, ensure};
use slipway_tests::{Sandbox, SandboxOptions, Terraform};

/// One row: pools, calls, seconds.
pub(super) struct PlanCalls {
    pools: usize,
    calls: usize,
    seconds: f64,
}

impl PlanCalls {
    #[expect(clippy::print_stdout, reason = "figures are the result of this task")]
    pub(super) fn print(&self) {
        println!(
            "no-op plan with {} node pools: {} calls, {:.1} s",
            self.pools, self.calls, self.seconds
        );
    }
}

pub(super) fn measure() -> Result<Vec<PlanCalls>> {
    [1, 10, 100].into_iter().map(one_plan).collect()
}

fn one_plan(pools: usize) -> Result<PlanCalls> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration(pools))?;
    terraform.apply()?.ok()?;
    let mark = sandbox.mark()?;
    let started = Instant::now();
    let run = terraform.plan()?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(
        run.code == 0,
        "the second plan is not empty:\n{}",
        run.stdout
    );
    Ok(PlanCalls {
        pools,
        calls: sandbox.journal(mark)?.len(),
        seconds,
    })
}

fn configuration(pools: usize) -> String {
    format!(
        r#"
terraform {{
  required_providers {{
    slipway = {{
      source = "slipway/slipway"
    }}
  }}
}}

resource "slipway_platform" "main" {{
  name                = "bench"
  region              = "ams"
  domain              = "bench.example"
  kubernetes_version  = "1.36"
  network_cidr        = "10.20.0.0/20"
  system_pool         = {{ plan = "vc2-4c-8gb", min_nodes = 1, max_nodes = 1 }}
  deletion_protection = false
  components = {{
    crossplane = {{ enabled = false }}
    flux       = {{ enabled = false }}
    infisical  = {{ enabled = false }}
    kong       = {{ enabled = false }}
    minio      = {{ enabled = false }}
    opal       = {{ enabled = false }}
  }}
}}

resource "slipway_node_pool" "pool" {{
  count      = {pools}
  cluster_id = slipway_platform.main.cluster_id
  name       = "pool-${{count.index}}"
  kind       = "general-public"
  min_nodes  = 1
  max_nodes  = 1
}}
"#
    )
}
