//! Where the engines' programs lie.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The folder that `cargo xtask tools` fills.
#[derive(Debug, Clone)]
pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Takes the named folder, else `SLIPWAY_TOOLS`, else the folder that was built last.
    pub fn find(named: Option<&Path>) -> Result<Self> {
        let folder = named
            .map(Path::to_path_buf)
            .or_else(|| std::env::var_os("SLIPWAY_TOOLS").map(PathBuf::from))
            .or_else(|| Some(home()?.join(".cache/slipway/tools/current")))
            .context("neither --engines, nor SLIPWAY_TOOLS, nor HOME is set")?;
        let folder = folder.canonicalize().with_context(|| {
            format!(
                "SLW-932: no engines in {}: build them with `cargo xtask tools`",
                folder.display()
            )
        })?;
        Ok(Self { folder })
    }

    /// One program, or an error that says how to get it.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if !path.is_file() {
            bail!(
                "SLW-933: {name} is missing in {}: build it with `cargo xtask tools`",
                self.folder.display()
            );
        }
        Ok(path)
    }

    /// Whether a program that a host uses lies in this folder, through whatever links.
    pub(crate) fn lie_below(&self, folder: &Path) -> bool {
        ["", "helm", "venv", "venv/bin/python3"]
            .iter()
            .filter_map(|name| self.folder.join(name).canonicalize().ok())
            .any(|path| path.starts_with(folder))
    }

    /// The folder with Python, Ansible and the libraries that its modules need.
    pub(crate) fn python_programs(&self) -> Result<PathBuf> {
        let ansible = self.program("venv/bin/ansible-playbook")?;
        Ok(ansible.parent().map(Path::to_path_buf).unwrap_or_default())
    }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

/// A program of the machine itself, or an error that names the package it comes from.
pub(crate) fn system_program(name: &str, package: &str) -> Result<PathBuf> {
    [
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/local/sbin",
        "/usr/local/bin",
    ]
    .iter()
    .map(|folder| Path::new(folder).join(name))
    .find(|path| path.is_file())
    .with_context(|| {
        format!("SLW-934: {name} is missing on this machine: install the package `{package}`")
    })
}
