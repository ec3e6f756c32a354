//! Packages of Node.js. A change of this file builds every set of this kind anew.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::watch::watched;
use crate::tools::pins::NodePackages;

/// Copies the module's files into `folder` and installs beside them what its lock file pins, without scripts of packages.
pub(super) fn build(
    node: &NodePackages,
    module: &Path,
    folder: &Path,
    scratch: &Path,
) -> Result<()> {
    for entry in fs::read_dir(module)? {
        let entry = entry?;
        let file = entry.path();
        fs::copy(&file, folder.join(entry.file_name()))
            .with_context(|| format!("{} cannot be copied", file.display()))?;
    }
    let mut install = Command::new("npm");
    install
        .current_dir(folder)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .arg("--cache")
        .arg(scratch.join("cache"));
    watched(&mut install, &node.name, node.minutes)
}
