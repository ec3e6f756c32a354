//! The main job, rehearsed: apply the quickstart, apply it again, change one component, destroy, prove the account empty.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{command, ground, stage::stage, tools};

/// Arguments of `cargo xtask demo`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave the sandbox and the applied platform running, to look around; `slipway-sandbox down` ends it.
    #[arg(long)]
    keep: bool,
    /// How many times faster than life the emulated cloud moves.
    #[arg(long, default_value_t = 120)]
    speed: u32,
}

/// What the sandbox says of itself once it is up.
#[derive(Deserialize)]
struct Description {
    api_url: String,
    api_key: String,
    chart_mirror: String,
}

/// A running sandbox and a working folder for Terraform; dropping it ends the sandbox.
struct Rehearsal {
    sandbox: PathBuf,
    folder: PathBuf,
    work: PathBuf,
    configuration: PathBuf,
    description: Description,
    keep: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    ground::require("terraform", "install Terraform 1.11 or newer")?;
    ground::require("sshd", "install the package openssh-server")?;
    stay_alive_on_ctrl_c()?;
    let engines = tools::ensure()?;
    let programs = stage(
        "build the provider, the bootstrapper and the sandbox",
        "5 min cold, seconds warm",
        || ground::build_programs(false),
    )?;
    let rehearsal = stage("start the sandbox", "2 s", || {
        Rehearsal::start(&programs, &engines, arguments)
    })?;
    stage("terraform init", "2 s", || {
        rehearsal.terraform(&["init", "-input=false"])
    })?;
    let empty = rehearsal.snapshot("before")?;

    stage(
        "terraform apply: a platform, two pools, eight components, one claim",
        "2 min",
        || rehearsal.terraform(&["apply", "-auto-approve", "-input=false"]),
    )?;
    rehearsal.sandbox(&["snapshot"])?;
    let before = rehearsal.journal_length()?;
    stage("terraform apply again: nothing to do", "5 s", || {
        rehearsal.terraform(&["apply", "-auto-approve", "-input=false"])?;
        rehearsal.expect_no_writes_since(before)
    })?;

    let change = r#"components={ kong = { values = "replicaCount: 2" } }"#;
    let before = rehearsal.journal_length()?;
    stage(
        "terraform apply with other values for kong: it and infisical, which uses it, run",
        "1 min",
        || rehearsal.terraform(&["apply", "-auto-approve", "-input=false", "-var", change]),
    )?;
    eprintln!(
        "  calls to the account: {}",
        rehearsal.calls_since(before)?.len()
    );
    if arguments.keep {
        eprintln!(
            "left running: slipway-sandbox down --dir {}",
            rehearsal.folder.display()
        );
        return Ok(());
    }

    stage("terraform destroy", "1 min", || {
        rehearsal.terraform(&["destroy", "-auto-approve", "-input=false", "-var", change])
    })?;
    let after = rehearsal.snapshot("after")?;
    stage("compare the account with the one before", "1 s", || {
        rehearsal.expect_no_difference(&empty, &after)
    })?;
    rehearsal.sandbox(&["bill"])
}

impl Rehearsal {
    fn start(programs: &Path, engines: &Path, arguments: &Arguments) -> Result<Self> {
        let work = ground::target().join("demo");
        let folder = work.join("sandbox");
        let sandbox = programs.join("slipway-sandbox");
        if folder.exists() {
            command::run(Command::new(&sandbox).args(["down", "--dir"]).arg(&folder))?;
        }
        if work.exists() {
            std::fs::remove_dir_all(&work)?;
        }
        std::fs::create_dir_all(&folder)?;
        command::run(
            Command::new(&sandbox)
                .args([
                    "up",
                    "--detach",
                    "--clusters",
                    "real",
                    "--listen",
                    "127.0.0.1:0",
                    "--speed",
                ])
                .arg(arguments.speed.to_string())
                .arg("--dir")
                .arg(&folder)
                .arg("--engines")
                .arg(engines),
        )?;
        let text = std::fs::read_to_string(folder.join("sandbox.json"))?;
        let description = serde_json::from_str(&text).context("sandbox.json has another shape")?;
        let configuration = install_provider(programs, &work)?;
        copy_example(&work)?;
        Ok(Self {
            sandbox,
            folder,
            work,
            configuration,
            description,
            keep: arguments.keep,
        })
    }

    fn terraform(&self, arguments: &[&str]) -> Result<()> {
        let mut terraform = Command::new("terraform");
        terraform.args(arguments);
        if !console::colors_enabled() {
            terraform.arg("-no-color");
        }
        command::run(
            terraform
                .current_dir(self.work.join("quickstart"))
                .env("TF_CLI_CONFIG_FILE", &self.configuration)
                .env("CHECKPOINT_DISABLE", "1")
                .env("VULTR_API_KEY", &self.description.api_key)
                .env("SLIPWAY_API_URL", &self.description.api_url)
                .env("SLIPWAY_CHART_MIRROR", &self.description.chart_mirror),
        )
    }

    fn sandbox(&self, arguments: &[&str]) -> Result<()> {
        command::run(
            Command::new(&self.sandbox)
                .args(arguments)
                .arg("--dir")
                .arg(&self.folder),
        )
    }

    fn snapshot(&self, name: &str) -> Result<PathBuf> {
        let text = self.json(&["snapshot"])?;
        let path = self.work.join(format!("{name}.json"));
        std::fs::write(&path, text)?;
        Ok(path)
    }

    fn json(&self, arguments: &[&str]) -> Result<String> {
        command::output(
            Command::new(&self.sandbox)
                .args(arguments)
                .arg("--json")
                .arg("--dir")
                .arg(&self.folder),
        )
    }

    fn journal(&self) -> Result<Vec<Value>> {
        let journal: Value = serde_json::from_str(&self.json(&["journal"])?)?;
        match journal {
            Value::Array(calls) => Ok(calls),
            other => bail!("the journal is no list: {other}"),
        }
    }

    fn journal_length(&self) -> Result<usize> {
        Ok(self.journal()?.len())
    }

    fn calls_since(&self, length: usize) -> Result<Vec<Value>> {
        Ok(self.journal()?.split_off(length))
    }

    fn expect_no_writes_since(&self, length: usize) -> Result<()> {
        let calls = self.calls_since(length)?;
        let writes: Vec<_> = calls
            .iter()
            .filter(|call| call["method"] != "GET")
            .collect();
        ensure!(
            writes.is_empty(),
            "an unchanged apply wrote to the account: {writes:?}"
        );
        eprintln!("  calls to the account: {}, writes: 0", calls.len());
        Ok(())
    }

    fn expect_no_difference(&self, before: &Path, after: &Path) -> Result<()> {
        command::run(
            Command::new(&self.sandbox)
                .arg("diff")
                .arg(before)
                .arg(after)
                .arg("--exit-code"),
        )
        .context("the account is not what it was before the apply")
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = self.sandbox(&["down"])
        {
            eprintln!("{error:#}");
        }
    }
}

/// Lays the provider out as a filesystem mirror, the way that users without a registry install it.
fn install_provider(programs: &Path, work: &Path) -> Result<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let mirror = work.join("mirror");
    let package = mirror.join(format!(
        "registry.terraform.io/slipway/slipway/{version}/linux_amd64"
    ));
    std::fs::create_dir_all(&package)?;
    std::fs::copy(
        programs.join("terraform-provider-slipway"),
        package.join(format!("terraform-provider-slipway_v{version}")),
    )?;
    std::fs::copy(
        programs.join("slipway-bootstrap"),
        package.join("slipway-bootstrap"),
    )?;
    let configuration = work.join("terraform.rc");
    std::fs::write(
        &configuration,
        format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror.display()
        ),
    )?;
    Ok(configuration)
}

fn copy_example(work: &Path) -> Result<()> {
    let quickstart = work.join("quickstart");
    std::fs::create_dir_all(&quickstart)?;
    let text = std::fs::read_to_string(ground::root().join("examples/quickstart/main.tf"))?;
    let module = ground::root().join("terraform/platform");
    std::fs::write(
        quickstart.join("main.tf"),
        text.replace("../../terraform/platform", &module.display().to_string()),
    )?;
    Ok(())
}

/// Ctrl-C reaches Terraform, which stops in order; this task then ends the sandbox instead of dying first.
fn stay_alive_on_ctrl_c() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.spawn(async {
        while tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("stopping: Terraform finishes its step, then the sandbox goes down");
        }
    });
    // The runtime listens as long as the process lives.
    std::mem::forget(runtime);
    Ok(())
}
