//! `examples/complete`: every component there is, applied, applied again, looked at, destroyed.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use run_report::Catalog;
use serde_json::{Value, json};
use slipway_tests::Verdict::{self, Done, Forbidden};
use slipway_tests::{
    Cluster, ObjectStore, Sandbox, SandboxOptions, Terraform, binary, until, workspace,
};

use crate::acceptance_complete_rotation::{grafana_asks_for_the_logs, secrets_are_replaced};

#[test]
fn the_example_names_every_component_of_the_catalogue() -> Result<()> {
    let catalog = Catalog::embedded()?;
    let known: Vec<&str> = catalog.iter().map(|(name, _)| name).collect();
    let named = example()?;
    ensure!(
        named == known,
        "the example names {named:?}, the catalogue {known:?}"
    );
    Ok(())
}

#[test]
fn every_component_in_size_dev() -> Result<()> {
    complete("dev")
}

/// Run by `cargo xtask test --only complete-ha`: it takes as long again, and shows little more.
#[test]
#[ignore = "run by `cargo xtask test --only complete-ha`"]
fn every_component_in_size_ha() -> Result<()> {
    complete("ha")
}

fn complete(size: &str) -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let before = sandbox.objects()?;
    let mut terraform = Terraform::example(&sandbox, "complete")?;
    for service in ["cloudflare", "gitlab"] {
        let place = sandbox.outside_service(service)?;
        terraform.set(&format!("TF_VAR_{service}_url"), &place.url);
        terraform.set(&format!("TF_VAR_{}", token_variable(service)), &place.token);
    }
    let choice = format!("size={size}");
    let configuration = terraform.folder().join("main.tf");
    let terraform = |verb: &str| {
        let told = [
            "-auto-approve",
            "-input=false",
            "-no-color",
            "-var",
            &choice,
        ];
        terraform.run(&[&[verb], told.as_slice()].concat())?.ok()
    };

    terraform("apply")?;
    let cluster = Cluster::only(&sandbox)?;
    every_component_is_recorded_and_ready(&cluster)?;
    services_were_told_what_they_must_be(&sandbox)?;
    the_platform_api_takes_its_settings(&cluster)?;
    grafana_asks_for_the_logs(&cluster)?;
    identities_may_do_what_they_must_and_no_more(&cluster)?;
    namespaces_need_a_pod_security_level(&cluster)?;

    let records = cluster.journal()?;
    let again = terraform("apply")?;
    ensure!(
        again.text().contains("No changes."),
        "the second apply did something:\n{}",
        again.stdout
    );
    ensure!(
        cluster.journal()? == records,
        "the second apply touched the journal"
    );

    secrets_are_replaced(&sandbox, &cluster, &configuration, &|| terraform("apply"))?;
    identities_may_do_what_they_must_and_no_more(&cluster)?;

    terraform("destroy")?;
    let left = sandbox.objects()?;
    ensure!(
        left == before,
        "the account was {before:#?} and is {left:#?}"
    );
    sandbox.stop()
}

fn token_variable(service: &str) -> &str {
    match service {
        "gitlab" => "gitlab_runner_token",
        _ => "cloudflare_api_token",
    }
}

/// Every call of the playbooks was one that the real program takes, and none that matters is missing.
fn services_were_told_what_they_must_be(sandbox: &Sandbox) -> Result<()> {
    let calls = sandbox.service_calls()?;
    for call in &calls {
        ensure!(call.expected, "a call that nobody expected: {call:?}");
    }
    for (service, method, path) in [
        ("infisical", "POST", "/api/v1/admin/bootstrap"),
        ("infisical", "POST", "/api/v1/projects"),
        ("authentik", "POST", "/api/v3/managed/blueprints/"),
        ("authentik", "POST", "/api/v3/managed/blueprints/1/apply/"),
        ("artifactory", "POST", "/artifactory/ui/jcr/eula/accept"),
        (
            "artifactory",
            "PATCH",
            "/artifactory/api/system/configuration",
        ),
        ("gitlab", "POST", "/api/v4/user/runners"),
        ("cloudflare", "GET", "/client/v4/user/tokens/verify"),
        ("elasticsearch", "PUT", "/_ilm/policy/slipway-logs-dev"),
        ("elasticsearch", "PUT", "/_ilm/policy/slipway-logs-sue"),
        (
            "elasticsearch",
            "PUT",
            "/_index_template/slipway-logs-platform",
        ),
        ("elasticsearch", "GET", "/_security/_authenticate"),
    ] {
        let made = calls
            .iter()
            .filter(|call| call.is(service, method, path))
            .count();
        ensure!(
            made == 1,
            "{method} {path} of {service} was called {made} times"
        );
    }
    Ok(())
}

/// The program reads the settings that the role wrote: every name is one that it knows. It ends with the first secret,
/// whose file is in its pods only.
fn the_platform_api_takes_its_settings(cluster: &Cluster) -> Result<()> {
    let written = cluster.config_map("platform-api", "platform-api-settings")?;
    let settings = written.get("settings.json").context("no settings")?;
    for part in ["127.0.0.1:8180", "https://elasticsearch-es-http"] {
        ensure!(
            settings.contains(part),
            "{part} is missing in the settings:\n{settings}"
        );
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("settings.json");
    std::fs::write(&path, settings.replace("0.0.0.0:8080", "127.0.0.1:0"))?;
    let output = Command::new(binary("platform-api")?)
        .args(["serve", "--settings"])
        .arg(&path)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success()
            && said.contains("SLW-530")
            && said.contains("/run/secrets/platform-api/"),
        "the platform API was to miss a secret alone, and says: {said}\n{settings}"
    );
    Ok(())
}

pub(crate) fn every_component_is_recorded_and_ready(cluster: &Cluster) -> Result<()> {
    let journal = cluster.journal()?;
    for component in example()? {
        let outcome = journal
            .get(&component)
            .and_then(|record| record.get("outcome"));
        ensure!(
            outcome.is_some_and(|outcome| outcome == "ok"),
            "{component} ended with {outcome:?}"
        );
    }
    for workload in cluster.workloads()? {
        ensure!(workload.ready >= workload.wanted, "not ready: {workload:?}");
    }
    Ok(())
}

/// The components that the example names, in the order of their names.
pub(crate) fn example() -> Result<Vec<String>> {
    let text = std::fs::read_to_string(workspace().join("examples/complete/main.tf"))?;
    let (_, rest) = text
        .split_once("\n  components = {\n")
        .context("no components")?;
    let (block, _) = rest.split_once("\n  }\n").context("no end")?;
    let mut names: Vec<String> = block
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
        .filter_map(|line| Some(line.split_once(" = {")?.0.trim().to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn namespaces_need_a_pod_security_level(cluster: &Cluster) -> Result<()> {
    const LEVEL: &str = "pod-security.kubernetes.io/enforce";
    let refusal = |labels: Value| cluster.refusal_of_namespace("team", &labels);
    cluster.enforce("pod-security-level")?;
    // Policies come into force a moment after they are written.
    until("a namespace without a level is refused", || {
        Ok(refusal(json!({}))?.is_some_and(|why| why.contains("restricted or baseline")))
    })?;
    for (labels, refused) in [
        (json!({ LEVEL: "restricted" }), false),
        (json!({ LEVEL: "baseline" }), false),
        (json!({ LEVEL: "privileged" }), true),
        (
            json!({ LEVEL: "privileged", "app.kubernetes.io/part-of": "slipway" }),
            false,
        ),
    ] {
        let told = refusal(labels.clone())?;
        ensure!(told.is_some() == refused, "{labels}: {told:?}");
    }
    Ok(())
}

/// A sentence, what the store said, and what it should have said.
type Told = (&'static str, Verdict, Verdict);

const DYNAMIC: &str = "environments";
const STATIC: &str = "static-environments";

fn identities_may_do_what_they_must_and_no_more(cluster: &Cluster) -> Result<()> {
    let of = |name: &str| ObjectStore::of(cluster, name);
    let (ci, api) = (of("gitlab-ci")?, of("platform-api")?);
    let mut told = git_ci(&ci)?;
    told.extend(platform_api(&api)?);
    told.extend(environment_controller(&of("environment-controller")?)?);
    told.extend(readers(&of("terraform")?, &of("flux")?)?);
    // What is left behind would be environments that live, and a destroy would be refused.
    for claim in ["dev.json", "tf.json"] {
        told.push(("the API deletes a claim", api.delete(DYNAMIC, claim)?, Done));
    }
    told.push((
        "CI deletes the claim",
        ci.delete(STATIC, "prod.json")?,
        Done,
    ));
    for (what, verdict, expected) in told {
        ensure!(
            verdict == expected,
            "{what}: {verdict:?} instead of {expected:?}"
        );
    }
    Ok(())
}

/// CI writes and takes back the claims of Git; no version of them can be removed, not even by CI.
fn git_ci(ci: &ObjectStore) -> Result<Vec<Told>> {
    let (written, version) = ci.put(STATIC, "prod.json")?;
    let version = version.unwrap_or_default();
    Ok(vec![
        ("CI writes a static claim", written, Done),
        (
            "CI deletes a static claim",
            ci.delete(STATIC, "prod.json")?,
            Done,
        ),
        ("CI writes it again", ci.put(STATIC, "prod.json")?.0, Done),
        (
            "CI removes a version",
            ci.remove(STATIC, "prod.json", &version)?,
            Forbidden,
        ),
        (
            "CI writes another key",
            ci.put(STATIC, "prod.txt")?.0,
            Forbidden,
        ),
        (
            "CI writes a dynamic claim",
            ci.put(DYNAMIC, "x.json")?.0,
            Forbidden,
        ),
        (
            "CI reads a dynamic claim",
            ci.get(DYNAMIC, ".platform-id")?,
            Forbidden,
        ),
    ])
}

/// The API reads the claims of Git and owns the others.
fn platform_api(api: &ObjectStore) -> Result<Vec<Told>> {
    Ok(vec![
        (
            "the API writes a claim",
            api.put(DYNAMIC, "dev.json")?.0,
            Done,
        ),
        (
            "the API reads a static claim",
            api.get(STATIC, "prod.json")?,
            Done,
        ),
        ("the API lists static claims", api.list(STATIC)?, Done),
        (
            "the API writes a static claim",
            api.put(STATIC, "prod.json")?.0,
            Forbidden,
        ),
        (
            "the API deletes a static claim",
            api.delete(STATIC, "prod.json")?,
            Forbidden,
        ),
        ("the API looks for statuses", api.list("status")?, Done),
        (
            "the API writes a status",
            api.put("status", "dev.json")?.0,
            Forbidden,
        ),
    ])
}

/// The controller deletes no claim: it could be somebody's newer one.
fn environment_controller(controller: &ObjectStore) -> Result<Vec<Told>> {
    let rendered = controller.put("rendered", "dynamic/dev/bundle.yaml")?.0;
    Ok(vec![
        (
            "the controller reads a claim",
            controller.get(DYNAMIC, "dev.json")?,
            Done,
        ),
        (
            "the controller writes a tombstone",
            controller.put(DYNAMIC, "dev.json")?.0,
            Done,
        ),
        (
            "the controller deletes a claim",
            controller.delete(DYNAMIC, "dev.json")?,
            Forbidden,
        ),
        (
            "the controller writes a static claim",
            controller.put(STATIC, "prod.json")?.0,
            Forbidden,
        ),
        ("the controller renders", rendered, Done),
        (
            "the controller locks",
            controller.put("locks", "dev.json")?.0,
            Done,
        ),
        (
            "the controller writes a status",
            controller.put("status", "dev.json")?.0,
            Done,
        ),
    ])
}

/// Terraform writes claims, and reads those of Git; the platform's Flux reads one bucket.
fn readers(terraform: &ObjectStore, flux: &ObjectStore) -> Result<Vec<Told>> {
    Ok(vec![
        (
            "Terraform writes a claim",
            terraform.put(DYNAMIC, "tf.json")?.0,
            Done,
        ),
        (
            "Terraform deletes a claim",
            terraform.delete(DYNAMIC, "tf.json")?,
            Forbidden,
        ),
        (
            "Terraform reads a static claim",
            terraform.get(STATIC, "prod.json")?,
            Done,
        ),
        (
            "Terraform writes a static claim",
            terraform.put(STATIC, "prod.json")?.0,
            Forbidden,
        ),
        (
            "Terraform reads a status",
            terraform.get("status", "dev.json")?,
            Done,
        ),
        (
            "Terraform writes a status",
            terraform.put("status", "dev.json")?.0,
            Forbidden,
        ),
        ("Flux lists its bucket", flux.list("platform")?, Done),
        (
            "Flux writes to it",
            flux.put("platform", "x.yaml")?.0,
            Forbidden,
        ),
        ("Flux lists claims", flux.list(DYNAMIC)?, Forbidden),
    ])
}
