//! How a platform comes over from the vendor's provider by moved blocks.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Sandbox, SandboxOptions, Terraform, binary_folder, configuration, until};

use super::account::id;
use crate::settled::empty;

/// Points Terraform at a stand-in for the vendor's provider too: a move asks it for nothing, but it has to be installed.
fn with_vendor(terraform: &mut Terraform) -> Result<()> {
    let folder = terraform.folder().join("vendor");
    std::fs::create_dir(&folder)?;
    std::os::unix::fs::symlink(
        binary_folder().join("terraform-provider-slipway"),
        folder.join("terraform-provider-vultr"),
    )?;
    let rc = terraform.folder().join("terraform.rc");
    let text = std::fs::read_to_string(&rc)?.replace(
        "dev_overrides {",
        &format!(
            "dev_overrides {{\n    \"vultr/vultr\" = \"{}\"",
            folder.display()
        ),
    );
    Ok(std::fs::write(rc, text)?)
}

/// A state file as the vendor's provider leaves it.
fn vendors_state(resources: &[Value]) -> String {
    let resources: Vec<Value> = resources
        .iter()
        .map(|resource| {
            json!({
                "mode": "managed", "type": resource["type"], "name": "old", "provider": "provider[\"registry.terraform.io/vultr/vultr\"]",
                "instances": [{
                    "schema_version": resource["version"], "attributes": resource["attributes"],
                    "sensitive_attributes": [], "private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==",
                }],
            })
        })
        .collect();
    json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "6f1c0d4e-0000-4000-8000-000000000001",
        "outputs": {}, "resources": resources, "check_results": null,
    })
    .to_string()
}

#[test]
fn a_cluster_a_pool_and_a_network_of_the_vendors_provider_come_over_without_its_secrets()
-> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let vpc = sandbox.call("POST", "vpcs", Some(&json!({"region": "ams", "description": "mine", "v4_subnet": "10.20.0.0", "v4_subnet_mask": 20})))?;
    let vpc = id(&vpc["vpc"])?;
    let cluster = sandbox.call("POST", "kubernetes/clusters", Some(&json!({
        "label": "legacy", "region": "ams", "version": newest(&sandbox)?, "vpc_id": vpc,
        "node_pools": [
            {"node_quantity": 1, "label": "default", "plan": "vc2-2c-4gb", "tag": "tf-vke-default"},
            {"node_quantity": 1, "label": "workers", "plan": "vc2-2c-4gb"},
        ],
    })))?["vke_cluster"].clone();
    let cluster_id = id(&cluster)?;
    until("the cluster is active", || {
        let seen = sandbox.call("GET", &format!("kubernetes/clusters/{cluster_id}"), None)?;
        Ok(seen["vke_cluster"]["status"] == "active")
    })?;
    let workers = id(&cluster["node_pools"][1])?;
    let configuration = configuration::platform("legacy", &[])
        + r#"
resource "slipway_node_pool" "workers" {
  cluster_id = slipway_platform.main.cluster_id
  kind       = "general-public"
  name       = "workers"
  plan       = "vc2-2c-4gb"
}
moved {
  from = vultr_kubernetes.old
  to   = slipway_platform.main
}
moved {
  from = vultr_kubernetes_node_pools.old
  to   = slipway_node_pool.workers
}
"#;
    let mut terraform = Terraform::new(&sandbox, &configuration)?;
    with_vendor(&mut terraform)?;
    let pool = json!({"id": workers, "cluster_id": cluster_id, "label": "workers", "plan": "vc2-2c-4gb", "node_quantity": 1, "auto_scaler": false, "min_nodes": 1, "max_nodes": 1, "tag": "", "labels": [], "taints": [], "nodes": []});
    let state = vendors_state(&[
        json!({"type": "vultr_kubernetes", "version": 1, "attributes": {
            "id": cluster_id, "label": "legacy", "region": "ams", "version": cluster["version"], "vpc_id": vpc, "ha_controlplanes": false,
            "enable_firewall": false, "kube_config": "canary-config", "cluster_ca_certificate": "canary-ca",
            "client_certificate": "canary-certificate", "client_key": "canary-key", "status": "active",
            "node_pools": [{"id": id(&cluster["node_pools"][0])?, "label": "default", "plan": "vc2-2c-4gb", "node_quantity": 1, "tag": "tf-vke-default"}],
        }}),
        json!({"type": "vultr_kubernetes_node_pools", "version": 1, "attributes": pool}),
    ]);
    let file = terraform.folder().join("terraform.tfstate");
    std::fs::write(&file, state)?;

    let plan = terraform.plan()?;
    let said = plan.text();
    ensure!(
        plan.code == 2 && !said.contains("must be replaced"),
        "{said}"
    );
    for word in [
        "taken over",
        "\"slipway:legacy\"",
        "Node pool default",
        "general-restricted is added",
    ] {
        ensure!(said.contains(word), "the plan lacks {word:?}:\n{said}");
    }
    let before = sandbox.mark()?;
    terraform.apply()?.ok()?;
    let calls = sandbox.journal(before)?;
    ensure!(
        !calls.iter().any(|call| call.method == "DELETE"),
        "{calls:?}"
    );
    ensure!(sandbox.count("cluster")? == 1 && sandbox.count("vpc")? == 1);
    let again = terraform.plan()?;
    ensure!(again.code == 0, "{}", again.text());
    let stored = std::fs::read_to_string(&file)?;
    ensure!(!stored.contains("canary"), "{stored}");
    let kept = terraform
        .resource("slipway_node_pool.workers")?
        .context("no pool")?;
    ensure!(kept["id"] == json!(workers), "{kept}");
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn a_network_alone_comes_over_and_an_unknown_source_does_not() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let vpc = sandbox.call("POST", "vpcs", Some(&json!({"region": "ams", "description": "mine", "v4_subnet": "10.20.0.0", "v4_subnet_mask": 20})))?;
    let vpc = id(&vpc["vpc"])?;
    let moved = |from: &str| {
        configuration::platform("network", &[])
            + &format!("moved {{\n  from = {from}.old\n  to   = slipway_platform.main\n}}\n")
    };
    let network = json!({"id": vpc, "region": "AMS", "description": "mine", "v4_subnet": "10.20.0.0", "v4_subnet_mask": 20, "date_created": "2026-01-01T00:00:00+00:00"});
    let mut terraform = Terraform::new(&sandbox, &moved("vultr_instance"))?;
    with_vendor(&mut terraform)?;
    let file = terraform.folder().join("terraform.tfstate");
    let state =
        |kind: &str| vendors_state(&[json!({"type": kind, "version": 0, "attributes": network})]);
    std::fs::write(&file, state("vultr_instance"))?;
    let said = terraform.plan()?.failed()?.text();
    ensure!(
        said.contains("cannot take over an object of type vultr_instance"),
        "{said}"
    );

    std::fs::write(&file, state("vultr_vpc"))?;
    terraform.configure(&moved("vultr_vpc"))?;
    let early = terraform
        .run(&["destroy", "-auto-approve", "-no-color"])?
        .failed()?
        .text();
    ensure!(early.contains("SLW-238"), "{early}");
    terraform.apply()?.ok()?;
    let platform = terraform
        .resource("slipway_platform.main")?
        .context("no platform")?;
    ensure!(
        platform["vpc_id"] == json!(vpc) && platform["phase"] == "ready",
        "{platform}"
    );
    ensure!(sandbox.count("vpc")? == 1 && sandbox.count("cluster")? == 1);
    let again = terraform.plan()?;
    ensure!(again.code == 0, "{}", again.text());
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

fn newest(sandbox: &Sandbox) -> Result<String> {
    let versions = sandbox.call("GET", "kubernetes/versions", None)?;
    let all = versions["versions"].as_array().into_iter().flatten();
    let mut fitting = all
        .filter_map(Value::as_str)
        .filter(|version| version.starts_with("v1.36"));
    Ok(fitting.next().context("no build of 1.36")?.to_owned())
}
