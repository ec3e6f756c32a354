//! Day two on a real cluster: what runs there survives an upgrade and the replacement of its pool, or stops them for as
//! long as its disruption budget says so.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde_json::json;
use slipway_tests::{Cluster, Sandbox, SandboxOptions, Terraform, configuration, until};

const POOL: &str = r#"
resource "slipway_node_pool" "web" {
  cluster_id = slipway_platform.main.cluster_id
  name       = "web"
  kind       = "general-public"
  plan       = "vc2-2c-4gb"
  min_nodes  = 2
  max_nodes  = 2
  timeouts   = { update = "45s" }
}
"#;

#[test]
fn what_runs_survives_an_upgrade_and_a_new_pool_or_stops_them() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let platform = configuration::platform("daytwo", &[]).replace("\"1.36\"", "\"1.35\"");
    let terraform = Terraform::new(&sandbox, &(platform + POOL))?;
    terraform.apply()?.ok()?;
    let cluster = Cluster::only(&sandbox)?;
    a_shop_opens(&cluster)?;

    an_upgrade_waits_for_room(&terraform, &cluster)?;
    a_new_pool_waits_for_room(&sandbox, &terraform, &cluster)?;

    terraform.destroy()?.ok()?;
    let left = sandbox.objects()?;
    ensure!(left.is_empty(), "left behind: {left:#?}");
    sandbox.stop()
}

fn an_upgrade_waits_for_room(terraform: &Terraform, cluster: &Cluster) -> Result<()> {
    terraform.edit("\"1.35\"", "\"1.36\"")?;
    keep_open(cluster, 2)?;
    let plan = terraform.plan()?.text();
    ensure!(
        plan.contains("default/shop"),
        "the budget is not named: {plan}"
    );
    let refused = terraform.apply()?.failed()?.text();
    ensure!(
        refused.contains("SLW-241") && refused.contains("default/shop"),
        "{refused}"
    );
    ensure!(
        kubelets(cluster)?
            .iter()
            .all(|build| build.starts_with("v1.35"))
    );

    keep_open(cluster, 1)?;
    terraform.apply()?.ok()?;
    let after = kubelets(cluster)?;
    ensure!(
        after.len() == 3 && after.iter().all(|build| build.starts_with("v1.36")),
        "{after:?}"
    );
    is_open(cluster)?;
    ensure!(
        terraform.plan()?.code == 0,
        "the plan after the upgrade is not empty"
    );
    Ok(())
}

fn a_new_pool_waits_for_room(
    sandbox: &Sandbox,
    terraform: &Terraform,
    cluster: &Cluster,
) -> Result<()> {
    terraform.edit("\"vc2-2c-4gb\"", "\"vc2-4c-8gb\"")?;
    keep_open(cluster, 2)?;
    let refused = terraform.apply()?.failed()?.text();
    ensure!(
        refused.contains("SLW-240") && refused.contains("default/shop"),
        "{refused}"
    );
    is_open(cluster)?;

    keep_open(cluster, 1)?;
    terraform.edit("\"45s\"", "\"10m\"")?;
    terraform.apply()?.ok()?;
    is_open(cluster)?;
    ensure!(
        terraform.plan()?.code == 0,
        "the plan after the replacement is not empty"
    );
    let clusters = sandbox.call("GET", "kubernetes/clusters", None)?;
    let pools = clusters["vke_clusters"][0]["node_pools"]
        .as_array()
        .context("no pools")?;
    let plans: Vec<_> = pools.iter().map(|pool| &pool["plan"]).collect();
    ensure!(
        plans.len() == 2 && plans.iter().any(|plan| *plan == "vc2-4c-8gb"),
        "{plans:?}"
    );
    Ok(())
}

fn a_shop_opens(cluster: &Cluster) -> Result<()> {
    let labels = json!({ "app": "shop" });
    let shop = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "shop" },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "nodeSelector": { "slipway.dev/pool": "general-public" },
                    "containers": [{ "name": "shop", "image": "shop" }],
                },
            },
        },
    });
    cluster.make::<Deployment>("default", "shop", &shop)?;
    until("the shop is open", || Ok(ready(cluster)? == 2))
}

/// The budget: so many pods of the shop stay. The controller takes a moment to count them.
fn keep_open(cluster: &Cluster, least: i32) -> Result<()> {
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": "shop" },
        "spec": { "minAvailable": least, "selector": { "matchLabels": { "app": "shop" } } },
    });
    cluster.make::<PodDisruptionBudget>("default", "shop", &budget)?;
    until("the budget is counted", || {
        Ok(cluster.disruptions_allowed("default", "shop")? == 2 - least)
    })
}

/// Both pods are there again, wherever they went.
fn is_open(cluster: &Cluster) -> Result<()> {
    until("the shop is open", || Ok(ready(cluster)? == 2))
}

fn ready(cluster: &Cluster) -> Result<i32> {
    let shop = cluster
        .workloads()?
        .into_iter()
        .find(|workload| workload.name == "shop");
    Ok(shop.map_or(0, |shop| shop.ready))
}

fn kubelets(cluster: &Cluster) -> Result<Vec<String>> {
    Ok(cluster.kubelets()?.into_values().collect())
}
