//! A state that was lost is read anew: by name, by an import block, by identity. What nobody touched plans nothing.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use slipway_tests::{Call, Core, Run, Sandbox, SandboxOptions, Terraform, configuration};

use super::provider_day_two::POOL;
use super::settled::{cluster, empty, unchanged};

const HEADER: &str =
    "terraform {\n  required_providers {\n    slipway = { source = \"slipway/slipway\" }\n  }\n}\n";
/// Where the settings of a platform are written down in its cluster.
const RECORD: &str = "api/v1/namespaces/slipway-system/secrets/platform";

/// A platform that sets what only a configuration knows.
fn told(name: &str) -> String {
    configuration::platform(name, &[])
        .replace(
            "min_nodes = 1, max_nodes = 2",
            "plan_fallbacks = [\"vc2-6c-16gb\"], min_nodes = 1, max_nodes = 2",
        )
        .replace(
            "    valkey = { enabled = false }",
            "    valkey = { enabled = false, size = \"ha\", values = \"replica:\\n  replicaCount: 2\\n\" }",
        )
        .replace(
            "  components = {",
            "  timeouts = { update = \"20m\" }\n  component_secrets_wo_version = 4\n  components = {",
        )
}

/// The lines of an error from the one that begins so to the one that ends so.
fn copied(run: &Run, begin: &str, end: &str) -> Result<String> {
    let mut text = String::new();
    for line in run.stderr.lines() {
        let line = line.trim_matches(['│', ' ']);
        if !text.is_empty() || line.starts_with(begin) {
            text = text + line + "\n";
            if line.ends_with(end) {
                return Ok(text);
            }
        }
    }
    bail!("no {begin:?} in {}", run.stderr)
}

fn import(terraform: &Terraform, address: &str, id: &str) -> Result<Run> {
    terraform.run(&["import", "-no-color", address, id])?.ok()
}

#[test]
fn everything_is_imported_by_its_name_and_plans_nothing() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let configuration = told("known") + POOL;
    let first = Terraform::new(&sandbox, &configuration)?;
    first.apply()?.ok()?;
    let second = Terraform::new(&sandbox, &configuration)?;
    let announced = second.plan()?.text();
    ensure!(
        announced.contains("terraform import slipway_platform.main known"),
        "{announced}"
    );
    // What an error says is copied as it stands; only the name of the resource is the user's.
    let refused = second.apply()?.failed()?;
    ensure!(refused.text().contains("SLW-231"), "{}", refused.text());
    let command = copied(&refused, "terraform import", "known")?;
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    second.run(&words)?.ok()?;
    let refused = second.apply()?.failed()?;
    ensure!(refused.text().contains("SLW-234"), "{}", refused.text());
    let block = copied(&refused, "import {", "}")?;
    let block = block.replace("slipway_node_pool.main", "slipway_node_pool.web");
    second.configure(&(configuration + &block))?;
    second.apply()?.ok()?;
    let before = sandbox.mark()?;
    unchanged(&second)?;
    ensure!(
        !sandbox.journal(before)?.iter().any(Call::writes),
        "the plan wrote"
    );
    second.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn an_import_block_imports_what_was_changed_last_and_changes_nothing() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let first = Terraform::new(&sandbox, &told("block"))?;
    first.apply()?.ok()?;
    // One of these changes nothing but the record, the other one a pool as well.
    for (from, to) in [
        ("deletion_protection = false", "deletion_protection = true"),
        ("max_nodes = 2", "max_nodes = 3"),
        ("\"20m\"", "\"30m\""),
    ] {
        first.edit(from, to)?;
        first.apply()?.ok()?;
    }
    let configuration = std::fs::read_to_string(first.folder().join("main.tf"))?;
    let block = "import {\n  to = slipway_platform.main\n  id = \"block\"\n}\n";
    let second = Terraform::new(&sandbox, &(configuration + block))?;
    let plan = second.plan()?.text();
    ensure!(
        plan.contains("1 to import, 0 to add, 0 to change, 0 to destroy"),
        "{plan}"
    );
    second.apply()?.ok()?;
    unchanged(&second)
}

#[test]
fn a_platform_is_imported_by_its_identity_and_plans_nothing() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let configuration = told("named");
    Terraform::with_core(Core::Newest, &sandbox, &configuration)?
        .apply()?
        .ok()?;
    let block = "import {\n  to = slipway_platform.main\n  identity = { id = \"named\" }\n}\n";
    let second = Terraform::with_core(Core::Newest, &sandbox, &(configuration + block))?;
    let said = second.apply()?.ok()?.text();
    ensure!(
        said.contains("1 imported, 0 added, 0 changed, 0 destroyed"),
        "{said}"
    );
    unchanged(&second)
}

#[test]
fn without_a_record_an_import_says_so_and_one_apply_writes_it_down() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let configuration = told("older");
    Terraform::new(&sandbox, &configuration)?.apply()?.ok()?;
    let cluster = id_of(&cluster(&sandbox)?)?;
    sandbox.in_cluster("DELETE", &cluster, RECORD)?;

    let second = Terraform::new(&sandbox, &configuration)?;
    let said = import(&second, "slipway_platform.main", "older")?.text();
    ensure!(
        said.contains("SLW-251") && said.contains("there is none"),
        "{said}"
    );
    let plan = second.plan()?;
    ensure!(plan.code == 2, "{}", plan.text());
    let before = sandbox.mark()?;
    second.apply()?.ok()?;
    ensure!(
        !sandbox.journal(before)?.iter().any(Call::writes),
        "adopting wrote to the account"
    );
    unchanged(&second)?;
    let third = Terraform::new(&sandbox, &configuration)?;
    import(&third, "slipway_platform.main", "older")?;
    unchanged(&third)
}

#[test]
fn a_cluster_that_does_not_answer_costs_the_record_and_nothing_else() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let silent = json!({"path": "/_clusters/**", "times": 0, "action": {"status": 503}});
    let terraform = Terraform::new(&sandbox, &told("silent"))?;
    sandbox.fault(&silent)?;
    let made = terraform.apply()?.ok()?.text();
    ensure!(
        made.contains("SLW-250") && made.contains("slipway-system/platform"),
        "{made}"
    );
    unchanged(&terraform)?;
    // What nothing in the cluster is needed for goes on, the way to a destroy first of all.
    terraform.edit(
        "on_destroy          = {",
        "on_destroy = { handover_file = \"x.json\",",
    )?;
    let changed = terraform.apply()?.ok()?.text();
    ensure!(changed.contains("SLW-250"), "{changed}");

    terraform.edit("\"20m\"", "\"40m\"")?;
    sandbox.clear_faults()?;
    let written = terraform.apply()?.ok()?.text();
    ensure!(!written.contains("SLW-250"), "{written}");
    let second = Terraform::new(
        &sandbox,
        &std::fs::read_to_string(terraform.folder().join("main.tf"))?,
    )?;
    sandbox.fault(&silent)?;
    let said = import(&second, "slipway_platform.main", "silent")?.text();
    ensure!(said.contains("SLW-251"), "{said}");
    sandbox.clear_faults()?;
    second
        .run(&["state", "rm", "slipway_platform.main"])?
        .ok()?;
    import(&second, "slipway_platform.main", "silent")?;
    unchanged(&second)?;
    terraform.destroy()?.ok()?;
    empty(&sandbox)
}

#[test]
fn pools_are_imported_by_name_or_id_and_plan_nothing_also_after_a_replacement() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let first = Terraform::new(&sandbox, &(configuration::platform("again", &[]) + POOL))?;
    first.apply()?.ok()?;
    first.edit("\"vc2-2c-4gb\"", "\"vc2-4c-8gb\"")?;
    first.apply()?.ok()?;
    let cluster_id = id_of(&cluster(&sandbox)?)?;
    let pools = cluster(&sandbox)?["node_pools"].clone();
    let web = pools
        .as_array()
        .into_iter()
        .flatten()
        .find(|pool| pool["plan"] == "vc2-4c-8gb" && pool["label"] != "general-restricted")
        .context("no pool web")?;
    let alone = POOL.replace("\"vc2-2c-4gb\"", "\"vc2-4c-8gb\"").replace(
        "slipway_platform.main.cluster_id",
        &format!("\"{cluster_id}\""),
    );

    for wanted in ["web", &id_of(web)?] {
        let block = format!(
            "import {{\n  to = slipway_node_pool.web\n  id = \"{cluster_id}/{wanted}\"\n}}\n"
        );
        let second = Terraform::new(&sandbox, &format!("{HEADER}{block}{alone}"))?;
        let plan = second.plan()?.text();
        ensure!(
            plan.contains("1 to import, 0 to add, 0 to change, 0 to destroy"),
            "{wanted}: {plan}"
        );
        second.apply()?.ok()?;
        unchanged(&second)?;
    }
    let missing = Terraform::new(
        &sandbox,
        &format!(
            "{HEADER}import {{\n  to = slipway_node_pool.web\n  id = \"{cluster_id}/wbe\"\n}}\n{alone}"
        ),
    )?;
    let told = missing.plan()?.failed()?.text();
    ensure!(
        told.contains("SLW-127") && told.contains("It has: general-restricted, web"),
        "{told}"
    );
    Ok(())
}

#[test]
fn a_mark_that_two_networks_carry_names_both_and_imports_neither() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let mut ids = Vec::new();
    for subnet in ["10.20.0.0", "10.30.0.0"] {
        let network = json!({
            "region": "ams", "description": "slipway:twice", "v4_subnet": subnet, "v4_subnet_mask": 20,
        });
        let made = sandbox.call("POST", "vpcs", Some(&network))?;
        ids.push(id_of(&made["vpc"])?);
    }
    let terraform = Terraform::new(&sandbox, &configuration::platform("twice", &[]))?;
    let said = terraform
        .run(&["import", "-no-color", "slipway_platform.main", "twice"])?
        .failed()?
        .text();
    ensure!(
        said.contains("SLW-213") && ids.iter().all(|id| said.contains(id)),
        "{said}"
    );
    ensure!(
        terraform.resource("slipway_platform.main")?.is_none(),
        "one of the two is in the state"
    );
    Ok(())
}

fn id_of(object: &Value) -> Result<String> {
    let id = object["id"].as_str();
    id.map(str::to_owned)
        .with_context(|| format!("no id: {object}"))
}
