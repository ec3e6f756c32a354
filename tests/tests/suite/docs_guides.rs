//! The guides as scripts: their files are written and their commands run, in the order of the page, with the packed
//! build from a filesystem mirror against an account of records.
//!
//! A `terraform` block whose first line names a file becomes that file; a `shell` block runs; a command with the comment
//! `refused: CODE` must fail with that code. Blocks of other kinds are for readers, or for `docs_examples`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use slipway_tests::{
    Cluster, Core, ExistingHost, HostPython, Mirror, Sandbox, SandboxOptions, Terraform, binary,
    configuration, engines, markdown, until, without_network, workspace,
};

/// The text of a file that Terraform merges into the platform: components would need hosts.
fn with_components_alone(kept: &[&str]) -> String {
    let mut text = "resource \"slipway_platform\" \"main\" {\n  components = {\n".to_owned();
    for component in configuration::COMPONENTS
        .iter()
        .filter(|name| !kept.contains(name))
    {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "    {component} = {{ enabled = false }}");
    }
    text + "  }\n}\n"
}

/// The page as a script.
fn script(page: &Path, kept: &[&str]) -> Result<String> {
    let mut script = "set -eu\n".to_owned();
    for block in markdown::blocks(page)? {
        match block.kind.as_str() {
            "terraform" => {
                let name = block
                    .text
                    .lines()
                    .next()
                    .and_then(|line| line.strip_prefix("# "));
                let name = name.with_context(|| format!("no file name in {}", block.text))?;
                let _ = write!(
                    script,
                    "cat >{name} <<'END_OF_FILE'\n{}END_OF_FILE\n",
                    block.text
                );
                if block.text.contains("\"slipway_platform\" \"main\"") {
                    let without = with_components_alone(kept);
                    let _ = write!(
                        script,
                        "cat >components_override.tf <<'END_OF_FILE'\n{without}END_OF_FILE\n"
                    );
                }
            }
            "shell" => {
                for line in block.text.lines() {
                    match line.split_once(" # refused: ") {
                        Some((command, code)) => {
                            let _ = writeln!(
                                script,
                                "if {command} >said 2>&1; then echo '{command}: not refused'; exit 1; fi\n\
                                 grep -q {code} said || {{ cat said; exit 1; }}"
                            );
                        }
                        None => {
                            let _ = writeln!(script, "{line}");
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(script)
}

/// Runs a guide in the folder of `terraform`.
fn run(guide: &str, sandbox: &Sandbox, terraform: &Terraform) -> Result<()> {
    run_with(guide, sandbox, terraform, &[], &[])
}

/// Runs a guide whose platform gets the components in `kept`; `variables` are those that the guide tells its reader to set.
fn run_with(
    guide: &str,
    sandbox: &Sandbox,
    terraform: &Terraform,
    kept: &[&str],
    variables: &[(&str, String)],
) -> Result<()> {
    let page = workspace()
        .join("docs/guides")
        .join(guide)
        .with_extension("md");
    let script = script(&page, kept)?;
    ensure!(script.contains("\nterraform "), "{guide} runs no command");
    ensure!(
        !variables
            .iter()
            .any(|(_, value)| value.contains("PRIVATE KEY")),
        "{guide} wants a key in the environment"
    );
    let programs = tempfile::tempdir()?;
    std::os::unix::fs::symlink(
        Core::Terraform.program_path()?,
        programs.path().join("terraform"),
    )?;
    std::os::unix::fs::symlink(
        binary("slipway-bootstrap")?,
        programs.path().join("slipway-bootstrap"),
    )?;
    let own = variables.iter().find(|(name, _)| *name == "PATH");
    let path = match own {
        Some((_, path)) => path.clone(),
        None => std::env::var("PATH")?,
    };
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(terraform.folder())
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("PATH", format!("{}:{path}", programs.path().display()))
        .env(
            "TF_CLI_CONFIG_FILE",
            terraform.folder().join("terraform.rc"),
        )
        .env("TF_CLI_ARGS", "-no-color")
        .env("TF_CLI_ARGS_apply", "-auto-approve -input=false")
        .env("TF_CLI_ARGS_destroy", "-auto-approve -input=false")
        .env("CHECKPOINT_DISABLE", "1")
        .env("VULTR_API_KEY", sandbox.api_key())
        .env("SLIPWAY_API_URL", sandbox.api_url())
        .env("SLIPWAY_SANDBOX_SPEED", sandbox.pace().to_string())
        .env("PACKAGES", Mirror::of_the_build()?.packages())
        .output()?;
    ensure!(
        output.status.success(),
        "{guide} ended with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Runs a guide from an empty folder.
fn works(guide: &str) -> Result<Sandbox> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::with_core(Core::Terraform, &sandbox, "")?;
    std::fs::write(
        terraform.folder().join("terraform.rc"),
        Mirror::of_the_build()?.command_line_configuration(),
    )?;
    run(guide, &sandbox, &terraform)?;
    Ok(sandbox)
}

#[test]
fn the_first_platform() -> Result<()> {
    let sandbox = works("first-platform")?;
    ensure!(sandbox.count("cluster")? == 1);
    Ok(())
}

#[test]
fn day_two_changes() -> Result<()> {
    works("day-two").map(drop)
}

#[test]
fn an_upgrade() -> Result<()> {
    works("upgrade").map(drop)
}

#[test]
fn a_teardown() -> Result<()> {
    let left = works("teardown")?.objects()?;
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}

#[test]
fn an_import() -> Result<()> {
    works("import").map(drop)
}

/// On real ground, on a host that has only Python, and where nothing but loopback can be reached: Helm and pip of the
/// machine "with internet" have what they fetch beside them.
#[test]
fn an_installation_without_internet() -> Result<()> {
    // The build is packed outside, once for all guides.
    Mirror::of_the_build()?;
    without_network("docs_guides::an_installation_without_internet", || {
        let sandbox = Sandbox::start(SandboxOptions::real())?;
        let host = ExistingHost::raise_bare(&sandbox)?;
        let terraform = Terraform::with_core(Core::Terraform, &sandbox, "")?;
        let tools = engines()?;
        let path = std::env::var("PATH")?;
        let python = HostPython::find()?;
        let programs = format!("{}:{}:{path}", tools.display(), python.folder.display());
        let variables = [
            ("PATH", programs),
            ("PIP_NO_INDEX", "1".to_owned()),
            ("PIP_FIND_LINKS", tools.join("wheels").display().to_string()),
            ("PYTHON", python.version),
            (
                "MIRROR",
                sandbox
                    .chart_mirror()
                    .context("no chart mirror")?
                    .to_owned(),
            ),
            ("BASTION", host.address().to_owned()),
            ("BASTION_KEY", host.host_key()?),
            ("LOGIN_KEY_FILE", host.login_key().display().to_string()),
        ];
        run_with(
            "without-internet",
            &sandbox,
            &terraform,
            &["crossplane"],
            &variables,
        )?;
        let journal = Cluster::only(&sandbox)?.journal()?;
        ensure!(
            journal.len() == 1 && journal["crossplane"]["outcome"] == "ok",
            "{journal:?}"
        );
        Ok(())
    })
}

/// The vendor's provider is not here, and is asked for nothing but its schema, because its name stands in the state. Ours
/// answers in its place.
#[test]
fn a_move_from_the_vendors_provider() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let terraform = Terraform::with_core(Core::Terraform, &sandbox, "")?;
    let folder = terraform.folder();
    let vendor = folder.join("vendor");
    std::fs::create_dir(&vendor)?;
    std::os::unix::fs::symlink(
        slipway_tests::binary("terraform-provider-slipway")?,
        vendor.join("terraform-provider-vultr"),
    )?;
    let configuration = std::fs::read_to_string(folder.join("terraform.rc"))?.replace(
        "dev_overrides {\n",
        &format!(
            "dev_overrides {{\n    \"vultr/vultr\" = \"{}\"\n",
            vendor.display()
        ),
    );
    std::fs::write(folder.join("terraform.rc"), configuration)?;
    let made = of_the_vendor(&sandbox)?;
    std::fs::write(folder.join("terraform.tfstate"), made.state.to_string())?;

    run("migrate-from-vultr", &sandbox, &terraform)?;
    let platform = terraform
        .resource("slipway_platform.main")?
        .context("no platform in the state")?;
    ensure!(platform["cluster_id"] == made.cluster, "{platform}");
    let pool = terraform
        .resource("slipway_node_pool.apps")?
        .context("no pool in the state")?;
    ensure!(pool["id"] == made.pool, "{pool}");
    ensure!(sandbox.count("cluster")? == 1 && sandbox.count("vpc")? == 1);
    let state = std::fs::read_to_string(folder.join("terraform.tfstate"))?;
    ensure!(!state.contains("canary"), "the kubeconfig came over");
    Ok(())
}

/// What the vendor's provider has made, and its state.
struct Made {
    cluster: Value,
    pool: Value,
    state: Value,
}

fn of_the_vendor(sandbox: &Sandbox) -> Result<Made> {
    let network = json!({"region": "ams", "description": "old", "v4_subnet": "10.20.0.0", "v4_subnet_mask": 20});
    let vpc = sandbox.call("POST", "vpcs", Some(&network))?["vpc"]["id"].clone();
    let wanted = json!({"label": "old", "region": "ams", "version": newest(sandbox)?, "vpc_id": vpc,
        "node_pools": [{"label": "apps", "plan": "vc2-2c-4gb", "node_quantity": 1, "tag": "tf-vke-default"}]});
    let id = made(&sandbox.call("POST", "kubernetes/clusters", Some(&wanted))?)?;
    let path = format!("kubernetes/clusters/{}", id.as_str().context("no id")?);
    until("the vendor's cluster is active", || {
        let now = sandbox.call("GET", &path, None)?;
        Ok(now["vke_cluster"]["status"] == "active")
    })?;
    let cluster = sandbox.call("GET", &path, None)?["vke_cluster"].clone();
    let pool = cluster["node_pools"][0]["id"].clone();
    let resource = |kind: &str, name: &str, version: u32, attributes: Value| {
        json!({"mode": "managed", "type": kind, "name": name, "provider": "provider[\"registry.terraform.io/vultr/vultr\"]",
            "instances": [{"schema_version": version, "attributes": attributes}]})
    };
    let state = json!({"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "vendor", "outputs": {}, "resources": [
        resource("vultr_vpc", "main", 0, json!({"id": vpc, "region": "ams", "description": "old"})),
        resource("vultr_kubernetes", "main", 1, json!({"id": id, "label": "old", "region": "ams", "vpc_id": vpc,
            "version": cluster["version"], "ha_controlplanes": false, "kube_config": "canary"})),
        resource("vultr_kubernetes_node_pools", "apps", 1, json!({"id": pool, "cluster_id": id, "label": "apps",
            "plan": "vc2-2c-4gb", "node_quantity": 1})),
    ]});
    Ok(Made {
        cluster: id,
        pool,
        state,
    })
}

fn made(answer: &Value) -> Result<Value> {
    let Some(id) = answer
        .as_object()
        .into_iter()
        .flatten()
        .find_map(|(_, made)| made.get("id"))
    else {
        bail!("no object in {answer}");
    };
    Ok(id.clone())
}

fn newest(sandbox: &Sandbox) -> Result<Value> {
    let versions = sandbox.call("GET", "kubernetes/versions", None)?;
    let newest = versions["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|version| {
            version
                .as_str()
                .is_some_and(|text| text.starts_with("v1.36"))
        });
    newest.cloned().context("the account offers no 1.36")
}
