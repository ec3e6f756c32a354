//! What an archive brings so that its host needs no package index: Ansible as wheels, and Helm.

use super::{BundlingError, said, temporary_folder};
use crate::bundle::{HELM, WHEELS};
use crate::host::{INSTALLER, REQUIREMENTS};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What wheels may ask of a host: the C library of Debian 12, and of everything older.
const PLATFORMS: [&str; 4] = [
    "manylinux_2_34_x86_64",
    "manylinux_2_28_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
];
/// How a program of the hosts begins: ELF, and at offset 18 its machine, x86-64.
const ELF: &[u8] = b"\x7fELF";
const MACHINE: (usize, &[u8]) = (18, b"\x3e\x00");

/// The files of the runtime, by their path in the archive. `python` is the version of the hosts' Python.
pub(super) fn runtime(python: &str) -> Result<BTreeMap<String, Vec<u8>>, BundlingError> {
    let mut files = wheels(python)?;
    files.insert(HELM.to_owned(), helm()?);
    Ok(files)
}

/// Every pinned package, and what installs them, as the package index gives them to a host.
fn wheels(python: &str) -> Result<BTreeMap<String, Vec<u8>>, BundlingError> {
    let folder = temporary_folder()?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--implementation", "cp"])
        .args(["--python-version", python]);
    for platform in PLATFORMS {
        pip.args(["--platform", platform]);
    }
    for (name, pins) in [
        ("requirements.txt", REQUIREMENTS),
        ("installer.txt", INSTALLER),
    ] {
        let path = folder.0.join(name);
        std::fs::write(&path, pins).map_err(|source| BundlingError::File {
            path: path.clone(),
            source,
        })?;
        pip.arg("--requirement").arg(path);
    }
    let place = folder.0.join("wheels");
    let pulled = pip
        .arg("--dest")
        .arg(&place)
        .stdin(Stdio::null())
        .output()
        .map_err(BundlingError::NoPython)?;
    if !pulled.status.success() {
        return Err(BundlingError::Wheels(said(&pulled)));
    }
    let unreadable = |source| BundlingError::File {
        path: place.clone(),
        source,
    };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(&place).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let contents = std::fs::read(entry.path()).map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(format!("{WHEELS}/{name}"), contents);
    }
    Ok(files)
}

/// The Helm that fetched the charts, if a host can start it.
fn helm() -> Result<Vec<u8>, BundlingError> {
    let answer = Command::new("helm")
        .args(["version", "--template", "{{.Version}}"])
        .stdin(Stdio::null())
        .output()
        .map_err(BundlingError::NoHelm)?;
    let version = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    if !version.starts_with("v3.") {
        return Err(BundlingError::Helm(format!(
            "it is version {version:?}, and hosts need 3"
        )));
    }
    let path =
        on_path("helm").ok_or_else(|| BundlingError::Helm("it is not on the PATH".to_owned()))?;
    let program = std::fs::read(&path).map_err(|source| BundlingError::File {
        path: path.clone(),
        source,
    })?;
    if runs_on_a_host(&program) {
        Ok(program)
    } else {
        Err(BundlingError::Helm(format!(
            "{} is no program for Linux on x86-64",
            path.display()
        )))
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

fn runs_on_a_host(program: &[u8]) -> bool {
    let (at, machine) = MACHINE;
    program.starts_with(ELF)
        && program
            .get(at..)
            .is_some_and(|rest| rest.starts_with(machine))
}

#[cfg(test)]
mod tests {
    use super::runs_on_a_host;

    #[test]
    fn only_a_program_of_linux_on_x86_64_is_packed() {
        let mut linux = b"\x7fELF\x02\x01\x01".to_vec();
        linux.resize(18, 0);
        linux.extend(b"\x3e\x00\x01");
        assert!(runs_on_a_host(&linux));
        let mut arm = linux.clone();
        arm[18] = 0xb7;
        for other in [arm.as_slice(), b"\xcf\xfa\xed\xfe", b"#!/bin/sh\n", b""] {
            assert!(!runs_on_a_host(other), "{other:?}");
        }
    }
}
