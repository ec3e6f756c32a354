//! Everything that must pass before a change lands, as a list of named steps.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{command, docs, ground, stage::stage, tools};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run these steps alone; may be given more than once.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Print the steps and end.
    #[arg(long)]
    list: bool,
}

/// One step: a name to call it by, how long it takes on two cores from cold, and its work.
struct Step {
    name: &'static str,
    about: &'static str,
    expected: &'static str,
    run: fn(&Path) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step {
        name: "format",
        about: "rustfmt and terraform fmt",
        expected: "seconds",
        run: format,
    },
    Step {
        name: "deny",
        about: "licences, bans and sources of every dependency",
        expected: "seconds",
        run: deny,
    },
    Step {
        name: "clippy",
        about: "lints of the whole workspace, warnings are errors",
        expected: "5 min cold, 1 min warm",
        run: clippy,
    },
    Step {
        name: "ansible-lint",
        about: "playbooks in the production profile",
        expected: "1 min",
        run: ansible_lint,
    },
    Step {
        name: "build",
        about: "every program of the workspace",
        expected: "5 min cold",
        run: build,
    },
    Step {
        name: "docs",
        about: "registry documentation equals the schema",
        expected: "seconds",
        run: check_docs,
    },
    Step {
        name: "tests",
        about: "unit, property, fault and acceptance tests, with the real Terraform, hosts, clusters and stores",
        expected: "25 min cold, 15 min warm",
        run: tests,
    },
];

/// Steps that run when they are named: they take long and show little more than the others.
const ON_REQUEST: &[Step] = &[Step {
    name: "complete-ha",
    about: "every component in size ha, applied, applied again and destroyed",
    expected: "10 min",
    run: complete_ha,
}];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let known = || STEPS.iter().chain(ON_REQUEST);
    if arguments.list {
        for step in known() {
            eprintln!("{:<14}{} ({})", step.name, step.about, step.expected);
        }
        return Ok(());
    }
    for name in &arguments.only {
        if !known().any(|step| step.name == name) {
            let names: Vec<_> = known().map(|step| step.name).collect();
            bail!(
                "there is no step {name:?}; the steps are {}",
                names.join(", ")
            );
        }
    }
    ground::require("terraform", "install Terraform 1.11 or newer")?;
    ground::require("sshd", "install the package openssh-server")?;
    let engines = tools::ensure_with_checks()?;
    let wanted = |step: &&Step| arguments.only.iter().any(|name| name == step.name);
    let chosen: Vec<&Step> = if arguments.only.is_empty() {
        STEPS.iter().collect()
    } else {
        known().filter(wanted).collect()
    };
    for step in chosen {
        stage(
            &format!("{}: {}", step.name, step.about),
            step.expected,
            || (step.run)(&engines),
        )?;
    }
    Ok(())
}

fn format(_: &Path) -> Result<()> {
    command::run(ground::cargo().args(["fmt", "--all", "--check"]))?;
    command::run(terraform().args([
        "fmt",
        "-check",
        "-diff",
        "-recursive",
        "terraform",
        "examples",
    ]))
}

fn deny(engines: &Path) -> Result<()> {
    let mut deny = Command::new(engines.join("lint/bin/cargo-deny"));
    deny.current_dir(ground::root());
    command::run(deny.args(["--offline", "check", "bans", "licenses", "sources"]))
}

fn clippy(_: &Path) -> Result<()> {
    command::run(ground::cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn ansible_lint(engines: &Path) -> Result<()> {
    let lint = engines.join("lint/bin");
    let mut command = Command::new(lint.join("ansible-lint"));
    command
        .current_dir(ground::root().join("playbooks"))
        .env("PATH", path_with(&lint)?)
        .env("ANSIBLE_COLLECTIONS_PATH", collections(engines)?);
    command::run(command.args(["--offline", "--profile", "production", "--strict"]))
}

/// The collections that the playbooks run with, so that the linter knows their modules.
fn collections(engines: &Path) -> Result<PathBuf> {
    for entry in std::fs::read_dir(engines.join("venv/lib"))? {
        let packages = entry?.path().join("site-packages");
        if packages.join("ansible_collections").is_dir() {
            return Ok(packages);
        }
    }
    bail!(
        "{} holds no Ansible collections",
        engines.join("venv").display()
    )
}

fn build(_: &Path) -> Result<()> {
    ground::build_programs(false).map(drop)
}

fn check_docs(engines: &Path) -> Result<()> {
    docs::check(engines)
}

fn tests(engines: &Path) -> Result<()> {
    let mut tests = ground::cargo();
    tests.env("SLIPWAY_TOOLS", engines);
    // Two at a time: a test with a real cluster keeps about one core busy.
    command::run(tests.args([
        "test",
        "--workspace",
        "--no-fail-fast",
        "--",
        "--test-threads=2",
    ]))
}

fn complete_ha(engines: &Path) -> Result<()> {
    ground::build_programs(false)?;
    let mut test = ground::cargo();
    test.env("SLIPWAY_TOOLS", engines);
    command::run(test.args([
        "test",
        "--package",
        "slipway-tests",
        "--test",
        "acceptance_complete",
        "--",
        "--ignored",
    ]))
}

fn terraform() -> Command {
    let mut terraform = Command::new("terraform");
    terraform
        .current_dir(ground::root())
        .env("TF_CLI_CONFIG_FILE", "/dev/null");
    terraform
}

fn path_with(folder: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::iter::once(folder.to_path_buf())
        .chain(std::env::split_paths(&path))
        .collect();
    Ok(std::env::join_paths(folders)?)
}
