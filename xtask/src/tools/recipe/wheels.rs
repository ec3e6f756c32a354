//! Packages of Python as files. A change of this file builds every set of this kind anew.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::watch::watched;
use crate::tools::pins::PythonWheels;

/// Fetches into `folder` what the lists pin, for the Python of this machine.
pub(super) fn build(wheels: &PythonWheels, pins: &Path, folder: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--dest"])
        .arg(folder);
    for list in &wheels.requirements {
        pip.arg("--requirement").arg(pins.join(list));
    }
    watched(
        &mut pip,
        &format!("{} (Python)", wheels.name),
        wheels.minutes,
    )
}
