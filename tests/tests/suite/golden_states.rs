//! States of every released schema version. A schema may change its shape only with a new version, and a version that was
//! released is read for ever: a new one adds a file to `tests/golden/state/<type>/` and touches none.
//!
//! `SLIPWAY_GOLDEN=write` writes the file of the current version of each type.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use slipway_tests::{Sandbox, SandboxOptions, Terraform, binary, workspace};

const PROVIDER: &str = "terraform {\n  required_providers {\n    slipway = { source = \"slipway/slipway\" }\n  }\n}\nresource \"slipway_node_pool\" \"p\" {\n  cluster_id = \"c\"\n  kind       = \"memory\"\n}\n";

#[test]
fn a_shape_changes_only_with_its_version_and_every_released_state_is_read() -> Result<()> {
    let schemas = schemas()?;
    ensure!(schemas.len() >= 3, "{:?}", schemas.keys());
    for (name, schema) in &schemas {
        let version = schema["version"].as_i64().context("no version")?;
        let shape = shape(&schema["block"]);
        let path = folder(name).join(format!("v{version}.json"));
        if std::env::var("SLIPWAY_GOLDEN").as_deref() == Ok("write") {
            std::fs::create_dir_all(folder(name))?;
            let state: BTreeMap<&String, Value> =
                shape.keys().map(|name| (name, Value::Null)).collect();
            let golden = json!({"shape": shape, "state": state});
            std::fs::write(&path, serde_json::to_string_pretty(&golden)? + "\n")?;
        }
        let golden = read(&path)?;
        ensure!(
            golden["shape"] == json!(shape),
            "the shape of {name} is not that of version {version} in {}: give the schema a new version, upgrade older states to it, and add its file",
            path.display()
        );
        for older in 0..=version {
            let path = folder(name).join(format!("v{older}.json"));
            let state = read(&path)?["state"].clone();
            let attributes = upgraded(name, older, state)?;
            let names: Vec<&String> = attributes.keys().collect();
            ensure!(
                names == shape.keys().collect::<Vec<_>>(),
                "{name} v{older}: {names:?}"
            );
        }
    }
    Ok(())
}

/// The state as the provider reads it now.
fn upgraded(name: &str, version: i64, state: Value) -> Result<BTreeMap<String, Value>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let core = tfcore::Core::start(Command::new(binary("terraform-provider-slipway")?)).await?;
        let stored = tfcore::Instance::stored(name, version, state);
        let now = core.upgrade_state(&stored).await?;
        core.shutdown().await?;
        serde_json::from_value(now.attributes().clone()).context("the state is no object")
    })
}

fn schemas() -> Result<BTreeMap<String, Value>> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, PROVIDER)?;
    let printed = terraform
        .run(&["providers", "schema", "-json"])?
        .ok()?
        .stdout;
    let all: Value = serde_json::from_str(&printed)?;
    let providers = all["provider_schemas"].as_object().context("no schemas")?;
    let provider = providers.values().next().context("no provider")?;
    serde_json::from_value(provider["resource_schemas"].clone()).context("no resources")
}

/// Names and types, without what may change freely: descriptions, and what is required, optional or computed.
fn shape(block: &Value) -> BTreeMap<String, Value> {
    let attributes = block["attributes"].as_object();
    let typed = |attribute: &Value| match &attribute["nested_type"] {
        Value::Null => attribute["type"].clone(),
        nested => json!({"nesting": nested["nesting_mode"], "of": shape(nested)}),
    };
    attributes
        .into_iter()
        .flatten()
        .map(|(name, attribute)| (name.clone(), typed(attribute)))
        .collect()
}

fn folder(name: &str) -> PathBuf {
    workspace().join("tests/golden/state").join(name)
}

fn read(path: &std::path::Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "there is no {}: a released version has a file there",
            path.display()
        )
    })?;
    Ok(serde_json::from_str(&text)?)
}
