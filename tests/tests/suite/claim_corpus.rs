//! The corpus of claims through Terraform: each case that its language can express, judged by the provider before
//! anything is planned.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use corpus::Corpus;
use serde_json::{Map, Value, json};
use slipway_tests::{Sandbox, SandboxOptions, Terraform};

#[allow(clippy::panic, reason = "a corpus that cannot be read fails the test")]
#[path = "../../corpus/corpus.rs"]
mod corpus;

const PROVIDER: &str =
    "terraform {\n  required_providers {\n    slipway = { source = \"slipway/slipway\" }\n  }\n}\n";

/// Fields that the configuration has to name: without them, Terraform itself refuses it.
const REQUIRED: [&str; 4] = [
    "user",
    "environment_pool",
    "environment_name",
    "environment_type",
];
const DATES: [&str; 2] = ["creation_date", "expiration_date"];
const GIT: [&str; 2] = ["git_repository", "branch"];

#[test]
fn terraform_gives_the_verdict_of_the_corpus() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, PROVIDER)?;
    let corpus = Corpus::read();
    let (mut resources, mut expected) = (Map::new(), BTreeMap::new());
    for (index, case) in corpus.cases.iter().enumerate() {
        let Some(attributes) = corpus.fields(case).as_ref().and_then(attributes) else {
            continue;
        };
        let name = format!("case_{index:03}");
        resources.insert(name.clone(), Value::Object(attributes));
        expected.insert(name, case);
    }
    let good = expected.values().filter(|case| case.faults.is_empty());
    let (compared, good) = (expected.len(), good.count());
    ensure!(
        compared >= 150 && good >= 50 && compared - good >= 50,
        "{compared} cases can be expressed, {good} of them good"
    );
    let configuration = json!({"resource": {"slipway_environment_claim": resources}});
    std::fs::write(
        terraform.folder().join("claims.tf.json"),
        configuration.to_string(),
    )?;

    let judged: Value = serde_json::from_str(&terraform.run(&["validate", "-json"])?.stdout)?;
    let told = judged["diagnostics"].as_array().context("no diagnostics")?;
    let mut refused = BTreeSet::new();
    for one in told.iter().filter(|one| one["severity"] == "error") {
        let address = one["address"].as_str().unwrap_or_default();
        let name = address.rsplit('.').next().unwrap_or_default();
        ensure!(
            one["summary"]
                .as_str()
                .is_some_and(|text| text.contains("SLW-410")),
            "an error that is not about a claim: {one}"
        );
        refused.insert(name.to_owned());
    }
    let wrong: Vec<_> = expected
        .iter()
        .filter(|(name, case)| refused.contains(*name) == case.faults.is_empty())
        .map(|(name, case)| (name, &case.name))
        .collect();
    ensure!(
        wrong.is_empty(),
        "other verdicts than the corpus: {wrong:#?}"
    );
    Ok(())
}

/// The claim as a configuration; none for one that the language or the schema cannot say.
fn attributes(claim: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut attributes = Map::new();
    attributes.insert("platform_id".into(), json!("acme"));
    for name in REQUIRED {
        attributes.insert(name.into(), literal(claim.get(name)?.as_str()?));
    }
    // Left open, it would be filled in.
    claim.get("creation_date")?.as_str()?;
    for name in DATES.into_iter().chain(GIT) {
        match claim.get(name) {
            None | Some(Value::Null) => {}
            Some(value) => drop(attributes.insert(name.into(), literal(value.as_str()?))),
        }
    }
    let names_git = GIT.iter().any(|name| attributes.contains_key(*name));
    let method = claim
        .get("deployment_method")
        .filter(|value| !value.is_null());
    if names_git != (method == Some(&json!("git"))) || method.is_some() && !names_git {
        return None;
    }
    let (mut constraints, mut artifacts) = (Map::new(), Map::new());
    for (name, service) in claim.get("services")?.as_object()? {
        match service {
            Value::String(text) => drop(constraints.insert(escaped(name), literal(text))),
            Value::Object(fields) => drop(artifacts.insert(escaped(name), whole(fields)?)),
            _ => return None,
        }
    }
    attributes.insert("services".into(), Value::Object(constraints));
    attributes.insert("service_artifacts".into(), Value::Object(artifacts));
    let known = ["deployment_method", "services"];
    claim
        .keys()
        .all(|name| {
            attributes.contains_key(name)
                || known.contains(&name.as_str())
                || claim[name].is_null() && DATES.into_iter().chain(GIT).any(|date| date == name)
        })
        .then_some(attributes)
}

fn whole(fields: &Map<String, Value>) -> Option<Value> {
    let mut written = Map::new();
    for name in ["version", "docker_image", "ansible_artifact"] {
        written.insert(name.into(), literal(fields.get(name)?.as_str()?));
    }
    (fields.len() == written.len()).then_some(Value::Object(written))
}

/// A text that is no template.
fn literal(text: &str) -> Value {
    Value::from(escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}
