//! Every example of the registry's pages, and every fragment of the guides, through `terraform validate` with the real
//! provider; what needs no host is applied, too.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use slipway_tests::{Core, Sandbox, SandboxOptions, Terraform, configuration, markdown, workspace};

const REQUIREMENT: &str = "terraform {\n  required_providers {\n    slipway = {\n      source = \"slipway/slipway\"\n    }\n  }\n}\n";
/// Resources that fragments refer to: the address, and the example that declares it.
const REFERRED: [(&str, &str); 3] = [
    ("slipway_platform.main", "slipway_platform"),
    ("slipway_node_pool.memory", "slipway_node_pool"),
    (
        "slipway_environment_claim.feature_x",
        "slipway_environment_claim",
    ),
];
/// What a fragment may refer to that only a guide declares.
const POOL_OF_GUIDES: &str = "resource \"slipway_node_pool\" \"apps\" {\n  cluster_id = slipway_platform.main.cluster_id\n  name       = \"apps\"\n  kind       = \"general-public\"\n}\n";

#[test]
fn everything_that_the_provider_offers_has_an_example() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::with_core(Core::Newest, &sandbox, REQUIREMENT)?;
    let run = terraform.run(&["providers", "schema", "-json"])?.ok()?;
    let schema: Value = serde_json::from_str(&run.stdout)?;
    let offered = &schema["provider_schemas"]["registry.terraform.io/slipway/slipway"];
    for (kind, folder, files) in [
        (
            "resource_schemas",
            "resources",
            &["resource.tf", "import.sh"][..],
        ),
        (
            "resource_identity_schemas",
            "resources",
            &["import-by-identity.tf"],
        ),
        ("data_source_schemas", "data-sources", &["data-source.tf"]),
        (
            "ephemeral_resource_schemas",
            "ephemeral-resources",
            &["ephemeral-resource.tf"],
        ),
        ("functions", "functions", &["function.tf"]),
        ("action_schemas", "actions", &["action.tf"]),
        (
            "list_resource_schemas",
            "list-resources",
            &["list-resource.tfquery.hcl"],
        ),
    ] {
        let offered = offered[kind]
            .as_object()
            .with_context(|| format!("no {kind}"))?;
        ensure!(!offered.is_empty(), "no {kind}");
        for name in offered.keys() {
            for file in files {
                let path = examples().join(folder).join(name).join(file);
                ensure!(path.is_file(), "{} is missing", path.display());
            }
        }
    }
    Ok(())
}

#[test]
fn every_example_and_every_fragment_of_a_guide_is_valid() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let mut pieces: Vec<(String, String, bool)> = Vec::new();
    for path in files_below(&examples())? {
        let name = path.display().to_string();
        let is_query = name.ends_with(".tfquery.hcl");
        if is_query || path.extension().is_some_and(|extension| extension == "tf") {
            pieces.push((name, std::fs::read_to_string(&path)?, is_query));
        }
    }
    for page in files_below(&workspace().join("docs/guides"))? {
        for block in markdown::blocks(&page)? {
            if block.kind.starts_with("hcl") {
                let name = format!("{}: {}", page.display(), block.text);
                pieces.push((name, block.text, block.kind.ends_with("tfquery")));
            }
        }
    }
    ensure!(pieces.len() > 25, "only {} pieces were found", pieces.len());
    for (name, text, is_query) in pieces {
        let terraform = Terraform::with_core(Core::Newest, &sandbox, &surroundings(&text)?)?;
        let (file, arguments) = if is_query {
            (
                "piece.tfquery.hcl",
                &["validate", "-no-color", "-query"][..],
            )
        } else {
            ("piece.tf", &["validate", "-no-color"][..])
        };
        // The provider that the kubeconfig is for is not installed here: its settings are checked as values.
        let text = text.replace("provider \"kubernetes\" {", "locals {");
        std::fs::write(terraform.folder().join(file), text)?;
        terraform
            .run(arguments)?
            .ok()
            .with_context(|| format!("{name} is not valid"))?;
    }
    Ok(())
}

/// Examples that need no component and so no host.
#[test]
fn what_needs_no_host_is_applied() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::new(&sandbox, &configuration::platform("examples", &[]))?;
    for (file, example) in [
        // A pool of each kind for production, with a table as its source.
        (
            "type.tf",
            "data-sources/slipway_environment_type/data-source.tf",
        ),
        // It declares the data source of the catalogue, too.
        ("price.tf", "functions/monthly_price/function.tf"),
        ("version.tf", "functions/resolve_version/function.tf"),
    ] {
        std::fs::copy(examples().join(example), terraform.folder().join(file))?;
    }
    terraform.apply()?.ok()?;
    ensure!(
        terraform.plan()?.code == 0,
        "the plan after the apply is not empty"
    );
    terraform.destroy()?.ok()?;
    let left = sandbox.objects()?;
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}

/// What a fragment needs around it: the requirement, and the resources that it refers to and does not declare.
fn surroundings(piece: &str) -> Result<String> {
    let mut text = String::new();
    if !piece.contains("required_providers") {
        text.push_str(REQUIREMENT);
    }
    if piece.contains("slipway_node_pool.apps") {
        text.push_str(POOL_OF_GUIDES);
    }
    // Resources refer to the platform, so it comes last.
    for (address, example) in REFERRED.iter().rev() {
        let whole = format!("{piece}{text}");
        let declared = address.replace('.', "\" \"");
        if whole.contains(address) && !whole.contains(&format!("resource \"{declared}\"")) {
            let path = examples()
                .join("resources")
                .join(example)
                .join("resource.tf");
            text.push_str(&std::fs::read_to_string(path)?);
        }
    }
    Ok(text)
}

fn examples() -> PathBuf {
    workspace().join("docs/source/examples")
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}
