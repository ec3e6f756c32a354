//! Canaries: secrets that are planted or made during a run, looked for in every place where they must not be.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use slipway_tests::{
    Cluster, ExistingHost, Sandbox, SandboxOptions, Sight, Terraform, Watch, configuration,
    kill_in_group, until,
};

/// 32 bytes in hex, as Infisical wants its key; written once, here.
const COMPONENT_SECRET: &str = "c0ffee5ec2e75ec2e75ec2e75ec2e7c0";
/// The object store, then Infisical with all that it takes.
const INSTALLED: [&str; 5] = ["minio", "cloudnative-pg", "infisical", "kong", "valkey"];
/// What begins every private key that the run makes, whatever the rest of it is.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

#[test]
fn no_secret_is_in_state_plan_log_arguments_environment_or_files() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let configuration = configuration::platform("canary", &INSTALLED)
        .replace(
            "  components = {",
            "  component_secrets_wo         = { infisical_encryption_key = var.key }\n  component_secrets_wo_version = 1\n  components = {",
        )
        + &configuration::claim("dev-team1-feature-x", "john.doe@company.com")
        + "\nvariable \"key\" {\n  type      = string\n  ephemeral = true\n}\n\
           ephemeral \"slipway_kubeconfig\" \"main\" {\n  cluster_id = slipway_platform.main.cluster_id\n}\n";
    let mut terraform = Terraform::new(&sandbox, &configuration)?;
    let log = terraform.folder().join("trace.log");
    terraform.set("TF_LOG", "TRACE");
    terraform.set("TF_LOG_PATH", &log.display().to_string());
    std::fs::write(
        terraform.folder().join("terraform.tfvars.json"),
        format!(r#"{{"key":"{COMPONENT_SECRET}"}}"#),
    )?;

    let before = slipway_folders();
    let watch = Watch::start();
    terraform
        .run(&["plan", "-input=false", "-no-color", "-out=first.plan"])?
        .ok()?;
    let mut said = terraform.apply()?.ok()?.text();
    let plan = terraform
        .run(&["show", "-json", "-no-color", "first.plan"])?
        .ok()?;

    let cluster = Cluster::only(&sandbox)?;
    let password = |cluster: &Cluster| -> Result<String> {
        let secret = cluster.secret("valkey", "valkey")?;
        secret.get("password").cloned().context("no password")
    };
    let made = password(&cluster)?;
    // Once more with the versions of secrets raised, on a host of the user's, whose key is a secret too.
    let host = ExistingHost::raise(&sandbox)?;
    let login_key = std::fs::read_to_string(host.login_key())?;
    let bootstrap = host.attribute("    private_key_wo = var.login\n")?;
    terraform.configure(
        &(configuration
            .replace("secrets_wo_version = 1", "secrets_wo_version = 2")
            .replace(
                "valkey = { enabled = true }",
                "valkey = { enabled = true, values = \"slipway: { secrets_version: 2 }\" }",
            )
            .replace("  components = {", &format!("{bootstrap}  components = {{"))
            + "\nvariable \"login\" {\n  type      = string\n  ephemeral = true\n}\n"),
    )?;
    let values = serde_json::json!({"key": COMPONENT_SECRET, "login": login_key});
    std::fs::write(
        terraform.folder().join("terraform.tfvars.json"),
        values.to_string(),
    )?;
    said += &terraform.apply()?.ok()?.text();
    let sights = watch.sights();
    let replaced = password(&cluster)?;
    let reader = cluster.secret("infisical", "infisical-secrets")?;
    ensure!(
        replaced != made && reader["REDIS_URL"].contains(&replaced),
        "the password was not replaced where it is made and where it is read"
    );

    let mut canaries = canaries(&sandbox)?;
    let line = login_key.lines().nth(2).context("a key of fewer lines")?;
    canaries.push(("login key".to_owned(), line.to_owned()));
    canaries.push(("made password".to_owned(), made));
    canaries.push(("replaced password".to_owned(), replaced));
    the_watch_sees(&sights, sandbox.api_key())?;
    for (name, canary) in &canaries {
        absent(name, canary, "the output", &said)?;
        absent(name, canary, "the plan", &plan.stdout)?;
        absent(
            name,
            canary,
            "the state",
            &std::fs::read_to_string(terraform.folder().join("terraform.tfstate"))?,
        )?;
        absent(
            name,
            canary,
            "the trace log",
            &String::from_utf8_lossy(&std::fs::read(&log)?),
        )?;
        let mut apart = before.clone();
        apart.extend([
            sandbox.folder().to_path_buf(),
            terraform.folder().to_path_buf(),
        ]);
        for folder in TEMPORARY {
            absent_below(name, canary, Path::new(folder), &apart)?;
        }
        absent_from_processes(name, canary, &sights)?;
    }
    terraform.destroy()?.ok()?;
    Ok(())
}

#[test]
fn a_killed_run_leaves_no_secret_on_its_host() -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::real())?;
    let configuration = configuration::platform("canary", &INSTALLED[1..]).replace(
        "  components = {",
        "  component_secrets_wo         = { infisical_encryption_key = var.key }\n  component_secrets_wo_version = 1\n  components = {",
    ) + "\nvariable \"key\" {\n  type      = string\n  ephemeral = true\n}\n";
    let terraform = Terraform::new(&sandbox, &configuration)?;
    std::fs::write(
        terraform.folder().join("terraform.tfvars.json"),
        format!(r#"{{"key":"{COMPONENT_SECRET}"}}"#),
    )?;
    let child = terraform.spawn(&["apply", "-auto-approve", "-input=false", "-no-color"])?;
    until("the component that reads the secret runs with it", || {
        Ok(Cluster::only(&sandbox)
            .and_then(|cluster| cluster.journal())
            .is_ok_and(|journal| journal.contains_key("infisical"))
            && !memory_folders(&sandbox)?.is_empty())
    })?;
    kill_in_group(&child, "terraform-provider-slipway")?;
    Terraform::finish(child)?.failed()?;

    let client_key = client_key(&Cluster::only(&sandbox)?)?;
    let disk = sandbox.folder().join("instances");
    until("the host has forgotten the run's secrets", || {
        Ok(memory_folders(&sandbox)?.is_empty()
            && files_with(COMPONENT_SECRET, &disk).is_empty()
            && files_with(&client_key, &disk).is_empty())
    })?;
    terraform.apply()?.ok()?;
    terraform.destroy()?.ok()?;
    Ok(())
}

/// Folders of a run in the memory file systems of the sandbox's hosts, which are found by their `sshd`.
pub(crate) fn memory_folders(sandbox: &Sandbox) -> Result<Vec<PathBuf>> {
    let ours = sandbox.folder().display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let process = entry?.path();
        let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
        if !String::from_utf8_lossy(&command).contains(&ours) {
            continue;
        }
        let folders = std::fs::read_dir(process.join("root/dev/shm"));
        let folders = folders.into_iter().flatten().filter_map(Result::ok);
        found.extend(folders.map(|folder| folder.path()).filter(|folder| {
            folder
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("slipway-"))
        }));
    }
    Ok(found)
}

/// Files below a folder that hold a text.
pub(crate) fn files_with(text: &str, folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
        {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => {
                    let bytes = std::fs::read(&path).unwrap_or_default();
                    if String::from_utf8_lossy(&bytes).contains(text) {
                        found.push(path);
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// What the user's own process is called; the kernel keeps fifteen characters.
const CORES: [&str; 3] = ["terraform", "terraform-newes", "tofu"];

/// The control of the experiment: the key that was exported on purpose must have been seen where it belongs.
fn the_watch_sees(sights: &HashSet<Sight>, exported: &str) -> Result<()> {
    let seen = |sight: &&Sight| {
        CORES.contains(&sight.program.as_str())
            && sight.place == "environ"
            && sight.text.contains(exported)
    };
    ensure!(
        sights.iter().any(|sight| seen(&sight)),
        "the watch saw nothing of Terraform's environment"
    );
    for program in ["slipway-bootstr", "ansible-playboo"] {
        ensure!(
            sights.iter().any(|sight| sight.program == program),
            "the watch saw no {program}"
        );
    }
    Ok(())
}

/// Every secret of the run by a name to report it under.
fn canaries(sandbox: &Sandbox) -> Result<Vec<(String, String)>> {
    let cluster = Cluster::only(sandbox)?;
    let client_key = client_key(&cluster)?;
    let store = cluster.secret("slipway-system", "claim-store")?;
    Ok(vec![
        ("API key".to_owned(), sandbox.api_key().to_owned()),
        ("component secret".to_owned(), COMPONENT_SECRET.to_owned()),
        ("private key".to_owned(), PRIVATE_KEY.to_owned()),
        ("kubeconfig".to_owned(), client_key),
        (
            "S3 secret key".to_owned(),
            store.get("secret_key").context("no secret_key")?.clone(),
        ),
    ])
}

/// What makes the administrator's kubeconfig a secret.
fn client_key(cluster: &Cluster) -> Result<String> {
    let kubeconfig = std::fs::read_to_string(cluster.kubeconfig())?;
    let key = kubeconfig
        .lines()
        .find_map(|line| line.trim().strip_prefix("client-key-data:"))
        .context("the kubeconfig has no client key")?;
    Ok(key.trim().to_owned())
}

fn absent(name: &str, canary: &str, place: &str, text: &str) -> Result<()> {
    let Some(at) = text.find(canary) else {
        return Ok(());
    };
    let before: String = text[..at]
        .chars()
        .rev()
        .take(200)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    anyhow::bail!("the {name} is in {place}, after: …{before}")
}

/// Where programs put what need not last.
const TEMPORARY: [&str; 2] = ["/dev/shm", "/tmp"];

/// What lies there under our name before the run: other tests' hosts, whose keys are theirs.
fn slipway_folders() -> Vec<PathBuf> {
    let entries = TEMPORARY.iter().flat_map(std::fs::read_dir).flatten();
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths
        .filter(|path| path.display().to_string().contains("slipway"))
        .collect()
}

/// Looks through the small files below a folder, but for those where a secret belongs or where the test put it.
fn absent_below(name: &str, canary: &str, folder: &Path, apart: &[PathBuf]) -> Result<()> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
        {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if apart.iter().any(|known| path.starts_with(known)) {
                continue;
            }
            if kind.is_dir()
                && path
                    .file_name()
                    .is_some_and(|name| name.to_string_lossy().contains("slipway"))
            {
                folders.push(path);
            } else if kind.is_file()
                && entry.metadata().is_ok_and(|file| file.len() < 1 << 20)
                && folder != Path::new("/tmp")
            {
                let bytes = std::fs::read(&path).unwrap_or_default();
                absent(
                    name,
                    canary,
                    &path.display().to_string(),
                    &String::from_utf8_lossy(&bytes),
                )?;
            }
        }
    }
    Ok(())
}

/// The API key that the user exported may stand in Terraform's and the provider's own environment, nowhere else.
fn absent_from_processes(name: &str, canary: &str, sights: &HashSet<Sight>) -> Result<()> {
    for sight in sights.iter().filter(|sight| sight.text.contains(canary)) {
        let exported = name == "API key"
            && sight.place == "environ"
            && (CORES.contains(&sight.program.as_str())
                || "terraform-provider-slipway".starts_with(&sight.program));
        ensure!(
            exported,
            "the {name} is in the {} of {}",
            sight.place,
            sight.program
        );
    }
    Ok(())
}
