//! A machine and a host without internet: the whole of `terraform apply` from one archive, in a network name space where
//! nothing but loopback exists, so that every other address is refused.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use slipway_tests::{
    Cluster, ExistingHost, HostPython, Sandbox, SandboxOptions, Terraform, binary, configuration,
    engines, without_network,
};

const COMPONENTS: [&str; 2] = ["crossplane", "kong"];

#[test]
fn a_platform_comes_from_one_archive_where_every_outside_address_is_refused() -> Result<()> {
    without_network(
        "acceptance_without_internet::a_platform_comes_from_one_archive_where_every_outside_address_is_refused",
        from_one_archive,
    )
}

fn from_one_archive() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let host = ExistingHost::raise_bare(&sandbox)?;
    let bundle = host.folder().join("slipway.tar.gz");
    let listed = make_bundle(&sandbox, &bundle)?;
    let mirror = sandbox.chart_mirror().context("no chart mirror")?;
    let place = mirror
        .trim_start_matches("http://")
        .split('/')
        .next()
        .context("no host")?;
    ensure!(
        listed.lines().count() > 10
            && listed.lines().all(|line| line
                .split(' ')
                .nth(1)
                .is_some_and(|image| image.starts_with(place))),
        "images without a place in the mirror:\n{listed}"
    );

    let key = "    private_key_wo = var.login\n";
    let without = host.attribute(key)?;
    let with = host.attribute(&format!("{key}    bundle = \"{}\"\n", bundle.display()))?;
    let mut terraform = Terraform::new(&sandbox, &platform(&without))?;
    // Charts come from the archive, or from the makers' own repositories, which are outside.
    terraform.unset("SLIPWAY_CHART_MIRROR");
    let login = serde_json::json!({ "login": std::fs::read_to_string(host.login_key())? });
    std::fs::write(
        terraform.folder().join("terraform.tfvars.json"),
        login.to_string(),
    )?;

    let said = terraform.apply()?.failed()?.text();
    ensure!(
        said.contains("SLW-331") && said.contains("bundle"),
        "a host without Ansible:\n{said}"
    );

    terraform.configure(&platform(&with))?;
    terraform.apply()?.ok()?;
    let cluster = Cluster::only(&sandbox)?;
    let journal = cluster.journal()?;
    ensure!(
        journal.len() == COMPONENTS.len()
            && journal.values().all(|record| record["outcome"] == "ok"),
        "{journal:?}"
    );
    ensure!(
        cluster.releases()?.len() >= COMPONENTS.len(),
        "{:?}",
        cluster.releases()?
    );
    ensure!(
        terraform.plan()?.code == 0,
        "the plan after it is not empty"
    );

    // The host has its Ansible now, but nothing that the archive brings is used without it.
    let changed = platform(&without).replace(
        "kong = { enabled = true }",
        "kong = { enabled = true, values = \"slipway: { wait_seconds: 601 }\" }",
    );
    terraform.configure(&changed)?;
    let said = terraform.apply()?.failed()?.text();
    ensure!(
        said.contains("SLW-332") && said.contains("Helm 3 is not on the host"),
        "a run without the archive:\n{said}"
    );
    terraform.configure(&changed.replace(&without, &with))?;
    terraform.apply()?.ok()?;
    terraform.destroy()?.ok()?;
    Ok(())
}

fn platform(bootstrap: &str) -> String {
    configuration::platform("offline", &COMPONENTS)
        .replace("  components = {", &format!("{bootstrap}  components = {{"))
        + "\nvariable \"login\" {\n  type      = string\n  ephemeral = true\n}\n"
}

/// Makes the archive from the rehearsal's chart repository and the wheels that the tests have, and gives its list of
/// images.
fn make_bundle(sandbox: &Sandbox, out: &Path) -> Result<String> {
    let (tools, python) = (engines()?, HostPython::find()?);
    let path = format!(
        "{}:{}:/usr/bin:/bin",
        tools.display(),
        tools.join("venv/bin").display()
    );
    let mut bundle = Command::new(binary("slipway-bootstrap")?);
    bundle
        .arg("bundle")
        .arg("--out")
        .arg(out)
        .args(["--python", &python.version]);
    bundle.args([
        "--mirror",
        sandbox.chart_mirror().context("no chart mirror")?,
    ]);
    for component in COMPONENTS {
        bundle.args(["--component", component]);
    }
    let made = bundle
        .env("PATH", path)
        .env("HOME", sandbox.folder())
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", tools.join("wheels"))
        .output()?;
    ensure!(
        made.status.success(),
        "bundle: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let archive = std::fs::File::open(out)?;
    let files = run_report::Bundle::unpack(archive)?;
    let listed = files.file("images.txt").context("no list of images")?;
    Ok(String::from_utf8_lossy(listed).into_owned())
}
