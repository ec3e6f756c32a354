//! A virtual environment of Python. A change of this file builds every set of this kind anew.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::watch::watched;
use crate::tools::pins::PythonEnvironment;

/// Makes the environment in `folder` and installs what its list pins, each with exactly the version that it names.
pub(super) fn build(python: &PythonEnvironment, pins: &Path, folder: &Path) -> Result<()> {
    let title = format!("{} (Python)", python.name);
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
