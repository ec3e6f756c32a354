//! HashiCorp's acceptance harness over the packed build: plan, apply, drift, import and destroy. Claims need an object
//! store: `acceptance_claims` runs theirs.

use anyhow::Result;
use slipway_tests::{Core, Sandbox, SandboxOptions, plugin_testing};

#[test]
fn hashicorps_acceptance_harness_passes() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    plugin_testing(Core::chosen()?, &sandbox, "^Test(Platform|NodePool)", &[])
}
