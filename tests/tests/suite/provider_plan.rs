//! What a plan tells a reviewer: prices by line, what is sold out or withdrawn, what runs and why; and nothing when nothing
//! changes. Against one account of records, in turns: the faults are of the whole account.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Call, Run, Sandbox, SandboxOptions, Terraform, configuration};

static SANDBOX: Mutex<Weak<Mutex<Sandbox>>> = Mutex::new(Weak::new());

/// The sandbox of this file; it ends with the last test that has it.
fn sandbox() -> Result<Arc<Mutex<Sandbox>>> {
    let mut shared = SANDBOX.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sandbox) = shared.upgrade() {
        return Ok(sandbox);
    }
    let sandbox = Arc::new(Mutex::new(Sandbox::start(SandboxOptions::records())?));
    *shared = Arc::downgrade(&sandbox);
    Ok(sandbox)
}

/// The account, without faults and objects of the test before.
fn turn(sandbox: &Mutex<Sandbox>) -> Result<MutexGuard<'_, Sandbox>> {
    let sandbox = sandbox.lock().unwrap_or_else(PoisonError::into_inner);
    sandbox.clear_faults()?;
    Ok(sandbox)
}

/// A plan written to a file, as the reviewer's JSON.
fn planned(terraform: &Terraform) -> Result<(Run, Value)> {
    let run = terraform
        .run(&["plan", "-input=false", "-no-color", "-out=plan.bin"])?
        .ok()?;
    let shown = terraform
        .run(&["show", "-json", "-no-color", "plan.bin"])?
        .ok()?;
    Ok((run, serde_json::from_str(shown.stdout.trim())?))
}

/// What the plan says of one resource: known values, and which are not known yet.
fn change(plan: &Value, address: &str) -> Result<(Value, Value)> {
    let changes = plan["resource_changes"].as_array();
    let found = changes
        .into_iter()
        .flatten()
        .find(|change| change["address"] == address)
        .with_context(|| format!("the plan has no {address}: {plan}"))?;
    let change = &found["change"];
    Ok((change["after"].clone(), change["after_unknown"].clone()))
}

/// The price of a plan in the account's own catalogue, USD a month.
fn list_price(sandbox: &Sandbox, plan: &str) -> Result<f64> {
    let plans = sandbox.call("GET", "plans?per_page=500", None)?;
    let plans = plans["plans"].as_array();
    plans
        .into_iter()
        .flatten()
        .find(|one| one["id"] == plan)
        .and_then(|one| one["monthly_cost"].as_f64())
        .with_context(|| format!("no plan {plan}"))
}

/// What the account will bill a month for everything in it.
fn billed(sandbox: &Sandbox) -> Result<f64> {
    let objects = sandbox.objects()?;
    let price = |object: &Value| -> Result<f64> {
        let price = &object["monthly_usd"];
        let text = price.as_str().map(str::to_owned);
        Ok(text.unwrap_or_else(|| price.to_string()).parse()?)
    };
    objects.iter().map(|object| price(&json!(object))).sum()
}

fn silent(run: &Run) -> Result<()> {
    ensure!(run.code == 0, "the plan is not empty:\n{}", run.stdout);
    let text = run.text();
    // Terraform itself warns of a provider that was not installed.
    let warnings = text.replace("Warning: Provider development overrides", "");
    ensure!(
        !warnings.contains("Warning:"),
        "a plan without changes warns: {text}"
    );
    Ok(())
}

fn told(run: &Run, words: &[&str]) -> Result<()> {
    let text = run.text();
    for word in words {
        ensure!(text.contains(word), "{word:?} is missing in: {text}");
    }
    Ok(())
}

/// A platform in a network of its own, so that what a broken test leaves is in no other one's way.
fn platform(name: &str, network: u8, components: &[&str]) -> String {
    configuration::platform(name, components)
        .replace("10.20.0.0/20", &format!("10.{network}.0.0/20"))
}

/// A pool in the cluster of [`platform`].
fn pool(settings: &str) -> String {
    format!(
        "\nresource \"slipway_node_pool\" \"extra\" {{\n  cluster_id = slipway_platform.main.cluster_id\n  kind       = \"general-public\"\n{settings}}}\n"
    )
}

#[test]
fn the_plan_of_a_new_platform_tells_price_settings_and_runs() -> Result<()> {
    let shared = sandbox()?;
    let sandbox = turn(&shared)?;
    let text = platform("informs", 21, &["kong", "minio"])
        .replace("min_nodes = 1", "min_nodes = 2")
        .replace(
            "region              =",
            "high_availability   = true\n  region              =",
        );
    let terraform = Terraform::new(&sandbox, &text)?;
    let before = sandbox.mark()?;
    let (run, plan) = planned(&terraform)?;
    ensure!(!sandbox.journal(before)?.iter().any(Call::writes));
    told(
        &run,
        &[
            "Monthly price of a platform changes",
            "Platform informs: 0.00 -> 80.00 USD a month",
            "nodes: 2 x vc2-4c-8gb at 40.00",
            "for which Vultr's API names no price before it runs",
            "Settings for good",
            "high_availability = true",
            "network_cidr = \"10.21.0.0/20\"",
            "Playbooks will run",
            "backend seaweedfs (new)",
            "They run on a server of their own, vc2-1c-2gb at 0.015 USD an hour",
        ],
    )?;
    let (platform, _) = change(&plan, "slipway_platform.main")?;
    let nodes = 2.0 * list_price(&sandbox, "vc2-4c-8gb")?;
    ensure!(
        platform["monthly_price"].as_f64() == Some(nodes),
        "{platform}"
    );
    ensure!(
        platform["monthly_price_lines"] == json!({"nodes": platform["monthly_price"]}),
        "{platform}"
    );
    ensure!(platform["system_pool"]["chosen_plan"] == "vc2-4c-8gb");
    for (component, backend) in [("kong", Value::Null), ("minio", json!("seaweedfs"))] {
        let status = &platform["component_status"][component];
        ensure!(status["reason"] == "new", "{component}: {status}");
        ensure!(status["backend"] == backend, "{component}: {status}");
    }
    Ok(())
}

#[test]
fn prices_are_the_accounts_own_and_told_before_and_after_a_change_only() -> Result<()> {
    let shared = sandbox()?;
    let sandbox = turn(&shared)?;
    let text = platform("priced", 22, &[]).replace(
        "region              =",
        "high_availability   = true\n  region              =",
    ) + &pool("  plan       = \"vx1-g-2c-8g-120s\"\n");
    let terraform = Terraform::new(&sandbox, &text)?;
    terraform.apply()?.ok()?;
    silent(&terraform.plan()?)?;
    let price = |address: &str| -> Result<f64> {
        let state = terraform.resource(address)?.context("not in the state")?;
        let line = state["monthly_price_lines"]["nodes"].as_f64();
        ensure!(line == state["monthly_price"].as_f64(), "{state}");
        line.context("no price")
    };
    let prices = price("slipway_platform.main")? + price("slipway_node_pool.extra")?;
    let bill = billed(&sandbox)?;
    ensure!((prices - bill).abs() < 0.005, "state {prices}, bill {bill}");

    terraform.edit("min_nodes = 1", "min_nodes = 2")?;
    told(
        &terraform.plan()?,
        &[
            "Platform priced: 40.00 -> 80.00 USD a month",
            "on top, as it is now: control plane: 0 an hour by the account's bill",
        ],
    )?;
    terraform.edit(
        "\"vx1-g-2c-8g-120s\"",
        "\"vx1-g-2c-8g-120s\"\n  min_nodes  = 3",
    )?;
    told(
        &terraform.plan()?,
        &["Node pool general-public: 55.48 -> 166.44 USD a month"],
    )?;
    terraform.apply()?.ok()?;
    silent(&terraform.plan()?)?;
    terraform.destroy()?.ok().map(drop)
}

#[test]
fn what_is_sold_out_is_refused_at_plan_or_answered_by_a_fallback_that_stays() -> Result<()> {
    let shared = sandbox()?;
    let sandbox = turn(&shared)?;
    sandbox.fault(&json!({"sold_out": ["vc2-4c-8gb", "vc2-2c-4gb"], "region": "ams"}))?;
    let text = platform("scarce", 23, &[]) + &pool("");
    let terraform = Terraform::new(&sandbox, &text)?;
    told(
        &terraform.plan()?.failed()?,
        &[
            "SLW-113",
            "system_pool.plan: plan \"vc2-4c-8gb\" is sold out in region \"ams\"",
            "In stock there: ",
        ],
    )?;

    let fallback = "plan = \"vc2-4c-8gb\", plan_fallbacks = [\"vhp-4c-8gb\", \"vc2-6c-16gb\"]";
    terraform.edit("plan = \"vc2-4c-8gb\"", fallback)?;
    let refused = terraform.plan()?.failed()?;
    told(
        &refused,
        &["SLW-113", "plan: plan \"vc2-2c-4gb\" is sold out"],
    )?;
    ensure!(
        !refused.text().contains("system_pool.plan:"),
        "{}",
        refused.text()
    );

    terraform.edit(
        "\"general-public\"\n",
        "\"general-public\"\n  plan_fallbacks = [\"vhf-2c-4gb\"]\n",
    )?;
    let (run, plan) = planned(&terraform)?;
    told(
        &run,
        &[
            "Platform scarce: 0.00 -> probably 48.00 USD a month",
            "1 x vhp-4c-8gb at 48.00",
            "Node pool general-public: 0.00 -> probably 24.00 USD a month",
        ],
    )?;
    let (_, unknown) = change(&plan, "slipway_platform.main")?;
    ensure!(unknown["system_pool"]["chosen_plan"] == true, "{unknown}");
    ensure!(unknown["monthly_price"] == true, "{unknown}");
    terraform.apply()?.ok()?;
    silent(&terraform.plan()?)?;
    let platform = terraform
        .resource("slipway_platform.main")?
        .context("lost")?;
    ensure!(
        platform["system_pool"]["chosen_plan"] == "vhp-4c-8gb",
        "{platform}"
    );
    ensure!(
        platform["system_pool"]["plan"] == "vc2-4c-8gb",
        "{platform}"
    );
    ensure!(platform["monthly_price"] == 48, "{platform}");
    let extra = terraform
        .resource("slipway_node_pool.extra")?
        .context("lost")?;
    ensure!(extra["chosen_plan"] == "vhf-2c-4gb", "{extra}");

    sandbox.clear_faults()?;
    silent(&terraform.plan()?)?;
    terraform.destroy()?.ok().map(drop)
}

#[test]
fn what_sells_out_between_plan_and_apply_is_noticed_before_anything_is_bought() -> Result<()> {
    let shared = sandbox()?;
    let sandbox = turn(&shared)?;
    let terraform = Terraform::new(&sandbox, &platform("late", 24, &[]))?;
    let saved = ["apply", "-input=false", "-no-color", "plan.bin"];
    planned(&terraform)?;
    sandbox.fault(&json!({"sold_out": ["vc2-4c-8gb"]}))?;
    let before = sandbox.mark()?;
    told(
        &terraform.run(&saved)?.failed()?,
        &["SLW-113", "is sold out"],
    )?;
    ensure!(!sandbox.journal(before)?.iter().any(Call::writes));

    sandbox.clear_faults()?;
    terraform.edit(
        "plan = \"vc2-4c-8gb\"",
        "plan = \"vc2-4c-8gb\", plan_fallbacks = [\"vc2-6c-16gb\"]",
    )?;
    told(&planned(&terraform)?.0, &["1 x vc2-4c-8gb at 40.00"])?;
    sandbox.fault(&json!({"sold_out": ["vc2-4c-8gb"]}))?;
    terraform.run(&saved)?.ok()?;
    let platform = terraform
        .resource("slipway_platform.main")?
        .context("lost")?;
    ensure!(
        platform["system_pool"]["chosen_plan"] == "vc2-6c-16gb",
        "{platform}"
    );
    ensure!(platform["monthly_price_lines"]["nodes"] == 80, "{platform}");
    sandbox.clear_faults()?;
    silent(&terraform.plan()?)?;
    terraform.destroy()?.ok().map(drop)
}

#[test]
fn a_withdrawn_build_goes_on_and_is_told_in_every_plan() -> Result<()> {
    let shared = sandbox()?;
    let sandbox = turn(&shared)?;
    let terraform = Terraform::new(&sandbox, &platform("aged", 25, &[]))?;
    terraform.apply()?.ok()?;
    let build = terraform
        .resource("slipway_platform.main")?
        .context("lost")?["kubernetes_build"]
        .as_str()
        .context("no build")?
        .to_owned();
    sandbox.fault(&json!({"withdrawn": [build]}))?;
    let run = terraform.plan()?;
    ensure!(run.code == 0, "{}", run.stdout);
    told(
        &run,
        &[
            "Kubernetes build is withdrawn",
            &format!("{build} is no longer offered by Vultr"),
            "Offered now: v1.35",
        ],
    )?;
    let second = Terraform::new(&sandbox, &platform("later", 26, &[]))?;
    told(&second.plan()?.failed()?, &["SLW-114", "Allowed: v1.35"])?;
    terraform.destroy()?.ok()?;

    sandbox.clear_faults()?;
    let oldest = sandbox.call("GET", "kubernetes/versions", None)?["versions"]
        .as_array()
        .and_then(|builds| builds.last()?.as_str().map(str::to_owned))
        .context("no builds")?;
    second.edit("\"1.36\"", &format!("{oldest:?}"))?;
    told(
        &second.plan()?,
        &["Kubernetes build is near its end", &oldest],
    )?;
    Ok(())
}
