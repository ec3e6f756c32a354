//! How each kind of set is built. A change of this file builds every set anew.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::pins::{GoPrograms, Pins, PythonEnvironment, Set};

/// How often a long build says that it goes on.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(200);

/// Builds a set into `folder`; `scratch` may be filled and is removed afterwards.
pub(super) fn build(pins: &Pins, set: &Set, folder: &Path, scratch: &Path) -> Result<()> {
    match set {
        Set::Go(go) => go_programs(
            set.name(),
            go,
            &pins.folder.join(set.name()),
            folder,
            scratch,
        ),
        Set::Python(python) => python_environment(set.name(), python, &pins.folder, folder),
    }
}

fn go_programs(
    name: &str,
    go: &GoPrograms,
    module: &Path,
    folder: &Path,
    scratch: &Path,
) -> Result<()> {
    let settings: String = go
        .variables
        .iter()
        .flat_map(|(name, value)| [" -X ", name, "=", value])
        .collect();
    let mut build = Command::new("go");
    build
        .current_dir(module)
        .args([
            "build",
            "-trimpath",
            "-ldflags",
            &format!("-s -w{settings}"),
            "-o",
        ])
        .arg(folder)
        .args(go.programs.values())
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-buildvcs=false -modcacherw")
        // Gigabytes that nothing needs afterwards: they go with the scratch folder.
        .env("GOCACHE", scratch.join("compiled"))
        .env("GOMODCACHE", scratch.join("modules"));
    watched(&mut build, name, go.minutes)?;
    for (program, package) in &go.programs {
        fs::rename(folder.join(name_by_go(package)), folder.join(program))?;
    }
    Ok(())
}

/// Go names a program after the last part of its package that is no major version.
fn name_by_go(package: &str) -> &str {
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|rest| rest.parse::<u32>().is_ok())
    };
    package
        .rsplit('/')
        .find(|part| !is_version(part))
        .unwrap_or(package)
}

fn python_environment(
    name: &str,
    python: &PythonEnvironment,
    pins: &Path,
    folder: &Path,
) -> Result<()> {
    let title = format!("{name} (Python)");
    watched(
        Command::new("python3").args(["-m", "venv"]).arg(folder),
        &title,
        1,
    )?;
    watched(
        Command::new(folder.join("bin/python3"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--requirement",
            ])
            .arg(pins.join(&python.requirements)),
        &title,
        python.minutes,
    )
}

/// Runs a long command to its end and says now and then that it goes on.
fn watched(command: &mut Command, what: &str, minutes: u32) -> Result<()> {
    eprintln!("  {what}: about {minutes} min on two free cores, once");
    let started = Instant::now();
    let mut said = started;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if said.elapsed() >= SIGN_OF_LIFE {
            said = Instant::now();
            eprintln!(
                "  {what}: {} s of about {} s",
                started.elapsed().as_secs(),
                minutes * 60
            );
        }
        thread::sleep(LOOK);
    };
    if !status.success() {
        bail!(
            "`{}` ended with {status}",
            command.get_program().to_string_lossy()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::name_by_go;

    #[test]
    fn a_major_version_is_no_program_name() {
        assert_eq!(name_by_go("go.etcd.io/etcd/server/v3"), "server");
        assert_eq!(name_by_go("helm.sh/helm/v3/cmd/helm"), "helm");
    }
}
