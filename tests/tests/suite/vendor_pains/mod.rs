//! What hurts users of the vendor's own Terraform provider: each pain shown with that provider's calls against the emulated
//! account, and then the same day with ours, through the real Terraform.
//!
//! The vendor's side is a replay of the calls that its provider (2.32) was seen to make, and of what it concludes from the
//! answers; the provider itself has no setting for another address.

mod vendor;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Call, Sandbox, SandboxOptions, Terraform, configuration};

use self::vendor::Vendor;
use super::settled::unchanged;

const PLAN: &str = "vc2-4c-8gb";

fn ground() -> Result<Sandbox> {
    Sandbox::start(SandboxOptions {
        speed: 600,
        ..SandboxOptions::records()
    })
}

fn ours(sandbox: &Sandbox, configuration: &str) -> Result<Terraform> {
    Terraform::new(sandbox, configuration)
}

fn platform(name: &str) -> String {
    configuration::platform(name, &[])
}

fn with_pool(name: &str, settings: &str) -> String {
    platform(name)
        + &format!(
            r#"
resource "slipway_node_pool" "extra" {{
  cluster_id = slipway_platform.main.cluster_id
  kind       = "general-public"
{settings}
}}
"#
        )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Our one cluster.
fn cluster(sandbox: &Sandbox, name: &str) -> Result<Value> {
    let listed = sandbox.call("GET", "kubernetes/clusters", None)?;
    let mut clusters = listed["vke_clusters"].as_array().into_iter().flatten();
    let label = format!("slipway:{name}");
    let found = clusters.find(|cluster| cluster["label"] == label.as_str());
    found.cloned().context("no cluster")
}

#[test]
fn a_deleted_cluster_is_not_waited_for_and_its_network_cannot_go() -> Result<()> {
    let sandbox = ground()?;
    // The words of the live account, which the vendor's provider does not wait on.
    sandbox.fault(&json!({"vpc_in_use": "addresses", "slow_release_s": 1200}))?;
    let vendor = Vendor::apply(&sandbox)?;
    vendor.destroy()?;
    let vpc = format!("vpcs/{}", vendor.vpc);
    let refused = sandbox.call("DELETE", &vpc, None);
    let refused = refused.err().context("the busy network went")?.to_string();
    ensure!(refused.contains("VPC is attached to"), "{refused}");

    let terraform = ours(&sandbox, &platform("waits"))?;
    terraform.apply()?.ok()?;
    terraform.destroy()?.ok()?;
    let ours_left = sandbox.objects()?;
    let ours_left = ours_left
        .iter()
        .find(|object| object["mark"] == "slipway:waits");
    ensure!(ours_left.is_none(), "{ours_left:?}");
    Ok(())
}

#[test]
fn load_balancers_and_volumes_stay_behind_and_cost() -> Result<()> {
    let sandbox = ground()?;
    let vendor = Vendor::apply(&sandbox)?;
    sandbox.make_inside(
        &vendor.cluster,
        "load-balancers",
        "a0123456789abcdef0123456789abcdef",
    )?;
    sandbox.make_inside(&vendor.cluster, "volumes", "pvc-0123456789abcdef")?;
    vendor.destroy()?;
    ensure!(sandbox.count("load_balancer")? == 1 && sandbox.count("block")? == 1);

    let terraform = ours(&sandbox, &platform("tidy"))?;
    terraform.apply()?.ok()?;
    let id = text(&cluster(&sandbox, "tidy")?["id"]).to_owned();
    sandbox.make_inside(&id, "load-balancers", "afedcba98765432100123456789abcdef")?;
    sandbox.make_inside(&id, "volumes", "pvc-fedcba9876543210")?;
    terraform.destroy()?.ok()?;
    let left = sandbox.objects()?;
    let of_ours = |object: &&Value| object["cluster_id"] == id.as_str();
    ensure!(!left.iter().any(|object| of_ours(&object)), "{left:?}");
    ensure!(
        sandbox.count("load_balancer")? == 1,
        "the vendor's was touched"
    );
    Ok(())
}

#[test]
fn a_new_plan_of_a_pool_sends_nothing() -> Result<()> {
    let sandbox = ground()?;
    let vendor = Vendor::apply(&sandbox)?;
    // What it sends when only the plan changed: a change without fields. It reports success.
    sandbox.call("PATCH", &vendor.pool_path()?, Some(&json!({})))?;
    ensure!(vendor.read()?["node_pools"][0]["plan"] == PLAN);

    let terraform = ours(&sandbox, &with_pool("replans", "  plan = \"vc2-2c-4gb\""))?;
    terraform.apply()?.ok()?;
    terraform.edit("\"vc2-2c-4gb\"", "\"vc2-6c-16gb\"")?;
    terraform.apply()?.ok()?;
    unchanged(&terraform)?;
    let pools = cluster(&sandbox, "replans")?["node_pools"].clone();
    let plans: Vec<&str> = pools
        .as_array()
        .into_iter()
        .flatten()
        .map(|pool| text(&pool["plan"]))
        .collect();
    ensure!(
        plans.contains(&"vc2-6c-16gb") && !plans.contains(&"vc2-2c-4gb"),
        "{plans:?}"
    );
    Ok(())
}

#[test]
fn what_the_autoscaler_does_is_taken_for_drift_and_undone() -> Result<()> {
    let sandbox = ground()?;
    let vendor = Vendor::apply(&sandbox)?;
    let scaled = json!({"node_quantity": 3});
    sandbox.call("PATCH", &vendor.pool_path()?, Some(&scaled))?;
    // Refresh: 3 in the account, 1 in the configuration; apply sends the 1 against the autoscaler.
    ensure!(vendor.read()?["node_pools"][0]["node_quantity"] == 3);
    let back = json!({"node_quantity": 1});
    sandbox.call("PATCH", &vendor.pool_path()?, Some(&back))?;
    ensure!(vendor.read()?["node_pools"][0]["node_quantity"] == 1);

    let terraform = ours(&sandbox, &with_pool("scales", "  max_nodes = 4"))?;
    terraform.apply()?.ok()?;
    let cluster = cluster(&sandbox, "scales")?;
    for pool in cluster["node_pools"].as_array().into_iter().flatten() {
        let path = format!(
            "kubernetes/clusters/{}/node-pools/{}",
            text(&cluster["id"]),
            text(&pool["id"])
        );
        sandbox.call("PATCH", &path, Some(&json!({"node_quantity": 2})))?;
    }
    unchanged(&terraform)
}

#[test]
fn labels_and_taints_come_after_the_nodes() -> Result<()> {
    let sandbox = ground()?;
    let vendor = Vendor::apply(&sandbox)?;
    // Active, with nodes, and bare: this is where a crash leaves it.
    let pool = vendor.read()?["node_pools"][0].clone();
    ensure!(
        pool["status"] == "active" && pool["labels"] == json!({}),
        "{pool}"
    );
    let label = json!({"key": "team", "value": "one"});
    sandbox.call(
        "POST",
        &format!("{}/labels", vendor.pool_path()?),
        Some(&label),
    )?;

    let settings = "  labels = { team = \"one\" }\n  taints = [{ key = \"only\", value = \"us\", effect = \"NoSchedule\" }]";
    let terraform = ours(&sandbox, &with_pool("dressed", settings))?;
    let before = sandbox.mark()?;
    terraform.apply()?.ok()?;
    let calls = sandbox.journal(before)?;
    let made = calls
        .iter()
        .find(|call| call.method == "POST" && call.path.ends_with("/node-pools"));
    let body = made
        .and_then(|call| call.body.clone())
        .context("no pool was made")?;
    ensure!(
        body["labels"]["team"] == "one" && body["taints"][0]["key"] == "only",
        "{body}"
    );
    Ok(())
}

#[test]
fn any_error_of_a_read_means_gone_and_a_second_one_is_made() -> Result<()> {
    let sandbox = ground()?;
    let wish = json!({"region": "ams", "label": "vendor"});
    let made = sandbox.call("POST", "load-balancers", Some(&wish))?;
    let path = format!("load-balancers/{}", text(&made["load_balancer"]["id"]));
    sandbox
        .fault(&json!({"method": "GET", "path": "/load-balancers/*", "action": {"status": 500}}))?;
    // It drops what it cannot read from the state; the next apply makes another.
    ensure!(sandbox.call("GET", &path, None).is_err());
    sandbox.call("POST", "load-balancers", Some(&wish))?;
    ensure!(sandbox.count("load_balancer")? == 2);

    let terraform = ours(&sandbox, &platform("steady"))?;
    terraform.apply()?.ok()?;
    let before = sandbox.mark()?;
    sandbox.fault(&json!({"path": "/kubernetes/**", "times": 0, "action": {"status": 500}}))?;
    let failed = terraform.apply()?.failed()?.text();
    ensure!(failed.contains("SLW-207"), "{failed}");
    ensure!(!sandbox.journal(before)?.iter().any(Call::writes));
    sandbox.clear_faults()?;
    unchanged(&terraform)
}

#[test]
fn a_refused_key_means_deleted() -> Result<()> {
    let sandbox = ground()?;
    let vendor = Vendor::apply(&sandbox)?;
    sandbox.fault(&json!({"path": "/v2/**", "action": {"status": 401}}))?;
    let refused = vendor
        .read()
        .err()
        .context("the key was taken")?
        .to_string();
    // An old version of it concluded from this that the cluster was gone, and emptied the state.
    ensure!(refused.contains("Unauthorized IP address"), "{refused}");

    let terraform = ours(&sandbox, &platform("locked"))?;
    terraform.apply()?.ok()?;
    let before = sandbox.mark()?;
    sandbox.fault(&json!({"path": "/v2/**", "times": 0, "action": {"status": 401}}))?;
    let failed = terraform.apply()?.failed()?.text();
    ensure!(failed.contains("SLW-201"), "{failed}");
    ensure!(!sandbox.journal(before)?.iter().any(Call::writes));
    sandbox.clear_faults()?;
    ensure!(terraform.resource("slipway_platform.main")?.is_some());
    unchanged(&terraform)
}

#[test]
fn the_kubeconfig_stands_in_the_state() -> Result<()> {
    let sandbox = ground()?;
    let vendor = Vendor::apply(&sandbox)?;
    // Read on every refresh and stored, with the administrator's key.
    let config = sandbox.call("GET", &format!("{}/config", vendor.path()), None)?;
    ensure!(text(&config["kube_config"]).len() > 500);

    let terraform = ours(&sandbox, &platform("discreet"))?;
    terraform.apply()?.ok()?;
    terraform.plan()?;
    let id = text(&cluster(&sandbox, "discreet")?["id"]).to_owned();
    let config = sandbox.call("GET", &format!("kubernetes/clusters/{id}/config"), None)?;
    let state = std::fs::read_to_string(terraform.folder().join("terraform.tfstate"))?;
    ensure!(state.contains(&id), "this is not the state");
    ensure!(!state.contains(&text(&config["kube_config"])[..100]));
    for word in [
        "client-key-data",
        "PRIVATE KEY",
        "BEGIN CERTIFICATE",
        "kube_config",
    ] {
        ensure!(!state.contains(word), "the state holds {word}");
    }
    Ok(())
}

#[test]
fn an_upgrade_is_over_for_terraform_before_it_began() -> Result<()> {
    let sandbox = ground()?;
    let vendor = Vendor::apply(&sandbox)?;
    let before = vendor.read()?["node_pools"][0]["nodes"][0]["id"].clone();
    let wish = json!({"upgrade_version": "v1.36.5+1"});
    sandbox.call("POST", &format!("{}/upgrades", vendor.path()), Some(&wish))?;
    let after = vendor.read()?;
    ensure!(after["version"] == "v1.35.8+1" && after["node_pools"][0]["nodes"][0]["id"] == before);

    let older = platform("upgraded").replace("\"1.36\"", "\"1.35\"");
    let terraform = ours(&sandbox, &older)?;
    terraform.apply()?.ok()?;
    let before = cluster(&sandbox, "upgraded")?["node_pools"][0]["nodes"][0]["id"].clone();
    terraform.edit("\"1.35\"", "\"1.36\"")?;
    terraform.apply()?.ok()?;
    let after = cluster(&sandbox, "upgraded")?;
    let pool = &after["node_pools"][0];
    ensure!(after["version"] == "v1.36.5+1", "{after}");
    ensure!(
        pool["status"] == "active" && pool["nodes"][0]["id"] != before,
        "{pool}"
    );
    unchanged(&terraform)
}

#[test]
fn a_withdrawn_version_is_found_out_when_the_network_stands() -> Result<()> {
    let sandbox = ground()?;
    let terraform = ours(
        &sandbox,
        &platform("pinned").replace("\"1.36\"", "\"v1.36.5+1\""),
    )?;
    terraform.apply()?.ok()?;
    sandbox.fault(&json!({"withdrawn": ["v1.36.5+1"]}))?;
    // The vendor's provider knows no list of versions: plan is happy, apply makes the network, then this:
    let wish = json!({"region": "ams", "label": "vendor", "version": "v1.36.5+1", "node_pools": [{"label": "pool", "plan": PLAN, "node_quantity": 1}]});
    let refused = sandbox
        .call("POST", "kubernetes/clusters", Some(&wish))
        .err();
    let refused = refused
        .context("a withdrawn version was taken")?
        .to_string();
    ensure!(refused.contains("Invalid Kubernetes version"), "{refused}");

    // Ours: what runs stays as it is, and a new one is refused by the plan.
    unchanged(&terraform)?;
    let second = platform("late").replace("\"1.36\"", "\"v1.36.5+1\"");
    let before = sandbox.mark()?;
    let refused = ours(&sandbox, &second)?.plan()?.failed()?.text();
    ensure!(
        refused.contains("SLW-") && refused.contains("v1.36.5+1"),
        "{refused}"
    );
    ensure!(!sandbox.journal(before)?.iter().any(Call::writes));
    Ok(())
}

#[test]
fn a_plan_that_is_sold_out_is_found_out_when_the_network_stands() -> Result<()> {
    let sandbox = ground()?;
    sandbox.fault(&json!({"sold_out": [PLAN], "region": "ams"}))?;
    let failed = Vendor::apply(&sandbox)
        .err()
        .context("a sold-out plan was had")?;
    ensure!(failed.to_string().contains("not available"), "{failed}");
    ensure!(
        sandbox.count("vpc")? == 1,
        "the network that it leaves behind"
    );

    let before = sandbox.mark()?;
    let terraform = ours(&sandbox, &platform("stocked"))?;
    let refused = terraform.plan()?.failed()?.text();
    ensure!(
        refused.contains("SLW-") && refused.contains(PLAN),
        "{refused}"
    );
    ensure!(!sandbox.journal(before)?.iter().any(Call::writes));
    // A list of what else would do lets the plan choose.
    terraform.edit(
        "plan = \"vc2-4c-8gb\"",
        "plan = \"vc2-4c-8gb\", plan_fallbacks = [\"vc2-6c-16gb\"]",
    )?;
    terraform.apply()?.ok()?;
    ensure!(cluster(&sandbox, "stocked")?["node_pools"][0]["plan"] == "vc2-6c-16gb");
    unchanged(&terraform)
}
