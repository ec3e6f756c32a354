//! The registry documentation: written from the provider's own schema, the examples and nothing else.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use crate::{command, ground, tools};

/// Arguments of `cargo xtask docs`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail when the committed pages differ from what the schema says.
    #[arg(long)]
    check: bool,
}

/// The provider's address as the configuration below names it, and the bare name that the generator looks for.
const ADDRESS: &str = "registry.terraform.io/slipway/slipway";
const NAME: &str = "slipway";

/// Pages that the generator owns; guides and decisions beside them are written by hand.
const GENERATED: &[&str] = &[
    "index.md",
    "resources",
    "data-sources",
    "ephemeral-resources",
    "functions",
    "actions",
    "list-resources",
];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let engines = tools::ensure_with_checks()?;
    if arguments.check {
        check(&engines)
    } else {
        write(&engines)
    }
}

/// Fails when the committed pages are not what the schema says.
pub(crate) fn check(engines: &Path) -> Result<()> {
    let pages = generate(engines)?;
    for page in GENERATED {
        let mut diff = Command::new("diff");
        diff.current_dir(ground::root())
            .args(["--recursive", "--unified", "--new-file"])
            .arg(Path::new("docs").join(page))
            .arg(pages.join(page));
        command::run(&mut diff).context(
            "the pages under docs/ are not what the schema says: run `cargo xtask docs`",
        )?;
    }
    Ok(())
}

fn write(engines: &Path) -> Result<()> {
    let pages = generate(engines)?;
    for page in GENERATED {
        let from = pages.join(page);
        let to = ground::root().join("docs").join(page);
        if to.is_dir() {
            std::fs::remove_dir_all(&to)?;
        }
        if from.exists() {
            command::run(Command::new("cp").arg("-r").arg(&from).arg(&to))?;
        }
    }
    Ok(())
}

/// Generates every page into a fresh folder below the build folder and names it.
fn generate(engines: &Path) -> Result<std::path::PathBuf> {
    let programs = ground::build_programs(false)?;
    let work = ground::target().join("docs");
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(work.join("schema"))?;
    let schema = schema(
        &engines.join("terraform-newest"),
        &programs,
        &work.join("schema"),
    )?;
    std::fs::write(work.join("schema.json"), schema)?;
    for folder in ["examples", "templates"] {
        let from = ground::root().join("docs/source").join(folder);
        if from.is_dir() {
            command::run(
                Command::new("cp")
                    .arg("-r")
                    .arg(from)
                    .arg(work.join(folder)),
            )?;
        }
    }
    let mut generator = Command::new(engines.join("tfplugindocs"));
    generator
        .args([
            "generate",
            "--provider-name",
            NAME,
            "--rendered-provider-name",
            "Slipway",
            "--rendered-website-dir",
            "docs",
        ])
        .arg("--provider-dir")
        .arg(&work)
        .arg("--providers-schema")
        .arg(work.join("schema.json"));
    command::output(&mut generator)?;
    Ok(work.join("docs"))
}

/// The schema as Terraform reads it from the provider, under the bare name that the generator looks for. An older
/// Terraform leaves out what it does not know, such as actions.
fn schema(newest: &Path, programs: &Path, folder: &Path) -> Result<String> {
    std::fs::write(
        folder.join("main.tf"),
        "terraform {\n  required_providers {\n    slipway = {\n      source = \"slipway/slipway\"\n    }\n  }\n}\n",
    )?;
    std::fs::write(
        folder.join("terraform.rc"),
        format!(
            "provider_installation {{\n  dev_overrides {{\n    \"slipway/slipway\" = \"{}\"\n  }}\n  direct {{}}\n}}\n",
            programs.display()
        ),
    )?;
    let mut terraform = Command::new(newest);
    terraform
        .current_dir(folder)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", folder.join("terraform.rc"))
        .args(["providers", "schema", "-json"]);
    let mut schema: Value = serde_json::from_str(&command::output(&mut terraform)?)?;
    let providers = schema["provider_schemas"]
        .as_object_mut()
        .context("no provider_schemas in the schema")?;
    let ours = providers
        .remove(ADDRESS)
        .with_context(|| format!("no {ADDRESS} in the schema"))?;
    schema["provider_schemas"] = Value::Object(Map::from_iter([(NAME.to_owned(), ours)]));
    Ok(serde_json::to_string(&schema)?)
}
