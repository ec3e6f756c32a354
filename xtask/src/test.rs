//! Everything that must pass before a change lands, as a list of named steps.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{command, docs, fuzz, ground, stage::stage, tools};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run these steps alone; may be given more than once.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Print the steps and end.
    #[arg(long)]
    list: bool,
    /// Run the tests with this core instead of the installed Terraform: `tofu` or `terraform-newest`.
    #[arg(long, value_name = "CORE", env = "SLIPWAY_CORE")]
    core: Option<String>,
}

/// One step: a name to call it by, how long it takes on two cores from cold, and its work.
struct Step {
    name: &'static str,
    about: &'static str,
    expected: &'static str,
    run: fn(&Ground<'_>) -> Result<()>,
}

/// What the steps stand on.
struct Ground<'a> {
    /// The folder of the engines.
    engines: &'a Path,
    /// The core that the tests run with, if it is not the installed Terraform.
    core: Option<&'a str>,
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
        expected: "30 min",
        run: tests,
    },
    Step {
        name: "opentofu",
        about: "the tests of the provider once more, with OpenTofu",
        expected: "7 min",
        run: opentofu,
    },
];

/// Steps that run when they are named: they take long and show little more than the others.
const ON_REQUEST: &[Step] = &[
    Step {
        name: "complete-ha",
        about: "every component in size ha, applied, applied again and destroyed",
        expected: "10 min",
        run: complete_ha,
    },
    Step {
        name: "complete-faults",
        about: "a run of every component, cut, killed or its host rebooted at each of its events",
        expected: "15 min",
        run: complete_faults,
    },
    Step {
        name: "fuzz",
        about: "what a fuzzer invents for the readers of claims, requests, statuses and versions",
        expected: "5 min cold, 2 min warm",
        run: fuzz_briefly,
    },
];

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
    let ground = Ground {
        engines: &engines,
        core: arguments.core.as_deref(),
    };
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
            || (step.run)(&ground),
        )?;
    }
    Ok(())
}

fn format(_: &Ground<'_>) -> Result<()> {
    command::run(ground::cargo().args(["fmt", "--all", "--check"]))?;
    command::run(terraform().args([
        "fmt",
        "-check",
        "-diff",
        "-recursive",
        "terraform",
        "examples",
        "docs/source",
    ]))
}

fn deny(ground: &Ground<'_>) -> Result<()> {
    // A build fetches what its own platform needs; what others would need has its licence, too.
    command::run(ground::cargo().args(["fetch", "--locked"]))?;
    let mut deny = Command::new(ground.engines.join("lint/bin/cargo-deny"));
    deny.current_dir(ground::root());
    command::run(deny.args(["--offline", "check", "bans", "licenses", "sources"]))
}

fn clippy(_: &Ground<'_>) -> Result<()> {
    command::run(ground::cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn fuzz_briefly(_: &Ground<'_>) -> Result<()> {
    fuzz::run(&fuzz::Arguments::seconds(20))
}

fn ansible_lint(ground: &Ground<'_>) -> Result<()> {
    let lint = ground.engines.join("lint/bin");
    let mut command = Command::new(lint.join("ansible-lint"));
    command
        .current_dir(ground::root().join("playbooks"))
        .env("PATH", path_with(&lint)?)
        .env("ANSIBLE_COLLECTIONS_PATH", collections(ground.engines)?);
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

fn build(_: &Ground<'_>) -> Result<()> {
    ground::build_programs(false).map(drop)
}

fn check_docs(ground: &Ground<'_>) -> Result<()> {
    docs::check(ground.engines)
}

fn tests(ground: &Ground<'_>) -> Result<()> {
    run_tests::<&str>(ground, ground.core, &["--workspace"], &[])
}

/// Tests with real clusters that run with both cores; the others take long and ask the same of a core.
const WITH_BOTH_CORES: [&str; 2] = ["acceptance_quickstart", "acceptance_claims"];
/// The tests of many crates together, one program.
const SUITE: [&str; 4] = ["--package", "slipway-tests", "--test", "suite"];

/// Every test of the provider that runs a core against an account of records, and the main job on real clusters. A run of
/// all tests with another core has had them already.
fn opentofu(ground: &Ground<'_>) -> Result<()> {
    if ground.core.is_some() {
        eprintln!("  nothing to do: the tests ran with {:?}", ground.core);
        return Ok(());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(ground::root().join("tests/tests/suite"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let of_the_provider = name.starts_with("provider_");
        if WITH_BOTH_CORES.contains(&name.as_ref()) || (of_the_provider && runs_a_core(&path)?) {
            names.push(format!("{name}::"));
        }
    }
    run_tests(ground, Some("tofu"), &SUITE, &names)
}

/// Whether a test, one file or a folder of them, starts a core.
fn runs_a_core(test: &Path) -> Result<bool> {
    if test.is_file() {
        return Ok(std::fs::read_to_string(test)?.contains("Terraform::new"));
    }
    for entry in std::fs::read_dir(test)? {
        if runs_a_core(&entry?.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn complete_ha(ground: &Ground<'_>) -> Result<()> {
    on_request(ground, "acceptance_complete::")
}

fn complete_faults(ground: &Ground<'_>) -> Result<()> {
    on_request(ground, "acceptance_complete_faults::")
}

/// The tests of that name that run only when they are asked for.
fn on_request(ground: &Ground<'_>, name: &str) -> Result<()> {
    build(ground)?;
    run_tests(ground, ground.core, &SUITE, &["--ignored", name])
}

fn run_tests<S: AsRef<std::ffi::OsStr>>(
    ground: &Ground<'_>,
    core: Option<&str>,
    which: &[&str],
    how: &[S],
) -> Result<()> {
    let mut tests = ground::cargo();
    tests.env("SLIPWAY_TOOLS", ground.engines);
    if let Some(core) = core {
        tests.env("SLIPWAY_CORE", core);
    }
    // Two at a time: a test with a real cluster keeps about one core busy.
    command::run(
        tests
            .arg("test")
            .args(which)
            .args(["--no-fail-fast", "--", "--test-threads=2"])
            .args(how),
    )
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
