//! A fault at every call that writes, one at a time: the apply ends right, or with a clear error from which the next
//! apply ends right; the destroy always ends with an empty account.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Sandbox, SandboxOptions, Terraform, configuration};

/// The calls of a create, in their order; the number counts calls of this method and path.
const CREATE: [(&str, &str, u64); 7] = [
    ("POST", "/v2/vpcs", 1),
    ("PUT", "/v2/vpcs/*", 1),
    ("POST", "/v2/kubernetes/clusters", 1),
    ("PATCH", "/_clusters/*/api/v1/**", 2),
    ("PUT", "/v2/vpcs/*", 2),
    ("POST", "/v2/kubernetes/clusters/*/node-pools", 1),
    ("PATCH", "/v2/kubernetes/clusters/*/node-pools/*", 1),
];

/// The calls of a destroy.
const DESTROY: [(&str, &str, u64); 3] = [
    ("DELETE", "/v2/kubernetes/clusters/*/node-pools/*", 1),
    ("DELETE", "/v2/kubernetes/clusters/**", 2),
    ("DELETE", "/v2/vpcs/*", 1),
];

fn configuration() -> String {
    configuration::platform("faulty", &[])
        + r#"
resource "slipway_node_pool" "extra" {
  cluster_id = slipway_platform.main.cluster_id
  kind       = "general-public"
}
"#
}

/// Makes and takes down a platform once for each call, with this fault at the call.
fn sweep(action: &Value, times: u64) -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration())?;
    let fault = |(method, path, nth): (&str, &str, u64)| json!({"method": method, "path": path, "nth": nth, "times": times, "hold_ms": 50, "action": action});
    for (create, destroy) in CREATE.into_iter().zip(DESTROY.into_iter().cycle()) {
        sandbox.fault(&fault(create))?;
        let first = terraform.apply()?;
        if first.code != 0 {
            let text = first.text();
            ensure!(text.contains("SLW-"), "{create:?}: no code in:\n{text}");
            ensure!(
                text.matches("Error: ").count() == 1,
                "{create:?}: not one error:\n{text}"
            );
            sandbox.clear_faults()?;
            let second = terraform.apply()?;
            ensure!(
                second.code == 0,
                "{create:?}: the next apply failed, too. First:\n{text}\nThen:\n{}",
                second.text()
            );
        }
        sandbox.clear_faults()?;
        let plan = terraform.plan()?;
        ensure!(
            plan.code == 0,
            "{create:?}: the plan is not empty:\n{}",
            plan.text()
        );
        for kind in ["vpc", "cluster"] {
            ensure!(
                sandbox.count(kind)? == 1,
                "{create:?}: {} of {kind}",
                sandbox.count(kind)?
            );
        }

        sandbox.fault(&fault(destroy))?;
        let first = terraform.destroy()?;
        sandbox.clear_faults()?;
        if first.code != 0 {
            let second = terraform.destroy()?;
            ensure!(
                second.code == 0,
                "{destroy:?}: the next destroy failed, too. First:\n{}\nThen:\n{}",
                first.text(),
                second.text()
            );
        }
        let left = sandbox.objects()?;
        ensure!(
            left.is_empty(),
            "{destroy:?}: left in the account: {left:#?}"
        );
    }
    Ok(())
}

#[test]
fn rate_limit() -> Result<()> {
    sweep(&json!({"status": 429, "retry_after": 0}), 1)
}

#[test]
fn server_error_without_effect() -> Result<()> {
    sweep(&json!({"status": 500}), 1)
}

#[test]
fn server_error_in_spite_of_the_effect() -> Result<()> {
    sweep(&json!({"status": 500, "after": true}), 1)
}

#[test]
fn timeout_before_the_effect() -> Result<()> {
    sweep(&json!("timeout_before"), 1)
}

#[test]
fn timeout_after_the_effect() -> Result<()> {
    sweep(&json!("timeout_after"), 1)
}

#[test]
fn answer_cut_in_the_middle() -> Result<()> {
    sweep(&json!("cut_body"), 1)
}

#[test]
fn refusal_that_lasts() -> Result<()> {
    sweep(&json!({"status": 403, "error": "Forbidden."}), 0)
}
