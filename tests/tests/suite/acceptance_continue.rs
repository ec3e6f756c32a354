//! Cut anywhere, the next apply goes on: nothing twice, nothing lost, no host left.

use std::process::Child;

use anyhow::{Result, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use slipway_tests::{
    Cluster, Sandbox, SandboxOptions, Terraform, configuration, kill_in_group, until,
};

const APPLY: [&str; 4] = ["apply", "-auto-approve", "-input=false", "-no-color"];

#[test]
fn ctrl_c_during_cluster_creation_is_continued() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions {
        speed: 60,
        ..SandboxOptions::real()
    })?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("cut", &["crossplane"]))?;
    let child = terraform.spawn(&APPLY)?;
    until("the cluster is being made", || {
        Ok(sandbox.count("cluster")? == 1)
    })?;
    interrupt(&child)?;
    Terraform::finish(child)?.failed()?;
    continues_to_one_of_each(&sandbox, &terraform)
}

#[test]
fn ctrl_c_during_a_playbook_is_continued() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("cut", &["crossplane"]))?;
    let child = terraform.spawn(&APPLY)?;
    until_a_playbook_runs(&sandbox)?;
    interrupt(&child)?;
    let run = Terraform::finish(child)?.failed()?;
    ensure!(
        bootstrap_hosts(&sandbox)? == 0,
        "the interrupted apply left its host:\n{}",
        run.text()
    );
    continues_to_one_of_each(&sandbox, &terraform)
}

#[test]
fn kill_of_the_provider_is_continued() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("cut", &["crossplane"]))?;
    let child = terraform.spawn(&APPLY)?;
    until_a_playbook_runs(&sandbox)?;
    kill_in_group(&child, "terraform-provider-slipway")?;
    Terraform::finish(child)?.failed()?;
    continues_to_one_of_each(&sandbox, &terraform)
}

#[test]
fn kill_of_the_bootstrapper_and_of_its_sshd_is_continued() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let terraform = Terraform::new(
        &sandbox,
        &configuration::platform("cut", &["crossplane", "kong"]),
    )?;
    let child = terraform.spawn(&APPLY)?;
    until_a_playbook_runs(&sandbox)?;
    kill_in_group(&child, "slipway-bootstrap")?;
    let run = Terraform::finish(child)?.failed()?;
    ensure!(
        bootstrap_hosts(&sandbox)? == 0,
        "a host was left:\n{}",
        run.text()
    );
    ensure!(
        terraform.resource("slipway_platform.main")?.is_some(),
        "the platform is not in the state"
    );

    let killed = runs(&sandbox)?;
    let child = terraform.spawn(&APPLY)?;
    until("a playbook of the next run runs", || {
        Ok(runs(&sandbox).is_ok_and(|runs| runs != killed))
    })?;
    sandbox.fault(&serde_json::json!({ "instance": { "sshd_down": true } }))?;
    Terraform::finish(child)?.failed()?;
    sandbox.clear_faults()?;
    continues_to_one_of_each(&sandbox, &terraform)
}

#[test]
fn a_failed_playbook_is_one_diagnostic_and_the_next_apply_goes_on_from_there() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let good = configuration::platform("failing", &["crossplane", "kong"]);
    let bad = good.replace(
        "kong = { enabled = true }",
        "kong = { enabled = true, version = \"0.0.1\" }",
    );
    ensure!(good != bad, "the configuration has no kong to break");
    let terraform = Terraform::new(&sandbox, &bad)?;
    let run = terraform.apply()?.failed()?;
    let said = run.text();
    ensure!(
        said.matches("Error: Component failed").count() == 1 && !said.contains("SLW-351"),
        "one diagnostic was due:\n{said}"
    );
    for word in ["kong", "SLW-3", "0.0.1"] {
        ensure!(
            said.contains(word),
            "the diagnostic does not say {word:?}:\n{said}"
        );
    }
    ensure!(
        terraform.resource("slipway_platform.main")?.is_some(),
        "the platform is not in the state"
    );
    ensure!(bootstrap_hosts(&sandbox)? == 0, "a host was left");
    let crossplane = Cluster::only(&sandbox)?.journal()?["crossplane"]["run"].clone();

    terraform.configure(&good)?;
    terraform.apply()?.ok()?;
    let journal = Cluster::only(&sandbox)?.journal()?;
    ensure!(
        journal["kong"]["outcome"] == "ok",
        "kong did not run: {journal:?}"
    );
    ensure!(
        journal["crossplane"]["run"] == crossplane,
        "crossplane was finished and ran again"
    );
    leaves_nothing(&sandbox, &terraform)
}

fn continues_to_one_of_each(sandbox: &Sandbox, terraform: &Terraform) -> Result<()> {
    terraform.apply()?.ok()?;
    for kind in ["cluster", "vpc"] {
        ensure!(
            sandbox.count(kind)? == 1,
            "{} of kind {kind}, one was due",
            sandbox.count(kind)?
        );
    }
    ensure!(
        bootstrap_hosts(sandbox)? == 0,
        "a bootstrap host outlived its run"
    );
    let journal = Cluster::only(sandbox)?.journal()?;
    ensure!(
        journal.values().all(|record| record["outcome"] == "ok"),
        "not all ended well: {journal:?}"
    );
    let run = terraform.plan()?;
    ensure!(
        run.code == 0,
        "the plan after it is not empty:\n{}",
        run.stdout
    );
    leaves_nothing(sandbox, terraform)
}

fn leaves_nothing(sandbox: &Sandbox, terraform: &Terraform) -> Result<()> {
    terraform.destroy()?.ok()?;
    let left = sandbox.objects()?;
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}

fn bootstrap_hosts(sandbox: &Sandbox) -> Result<usize> {
    Ok(sandbox
        .objects()?
        .iter()
        .filter(|object| object.to_string().contains(":bootstrap"))
        .count())
}

/// The run that each component's record comes from.
fn runs(sandbox: &Sandbox) -> Result<Vec<Option<String>>> {
    Ok(Cluster::only(sandbox)?
        .journal()?
        .into_values()
        .map(|mut record| record.remove("run"))
        .collect())
}

fn until_a_playbook_runs(sandbox: &Sandbox) -> Result<()> {
    until("a playbook runs", || {
        let Ok(cluster) = Cluster::only(sandbox) else {
            return Ok(false);
        };
        Ok(cluster.journal().is_ok_and(|journal| {
            journal
                .values()
                .any(|record| record["outcome"] == "running")
        }))
    })
}

/// Ctrl-C: the terminal sends SIGINT to the whole group.
fn interrupt(child: &Child) -> Result<()> {
    Ok(killpg(
        Pid::from_raw(i32::try_from(child.id())?),
        Signal::SIGINT,
    )?)
}
