//! A Java program: the libraries that a Maven project pins, and the one class that starts them. A change of this file
//! builds every set of this kind anew.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::watch::watched;
use crate::tools::pins::JavaProgram;

/// Puts the libraries into `folder/lib` and the compiled sources into `folder/classes`.
pub(super) fn build(
    java: &JavaProgram,
    module: &Path,
    folder: &Path,
    scratch: &Path,
) -> Result<()> {
    let mut libraries = Command::new("mvn");
    libraries
        .current_dir(module)
        .args(["--batch-mode", "--quiet", "dependency:copy-dependencies"])
        .arg(format!(
            "-DoutputDirectory={}",
            folder.join("lib").display()
        ))
        .arg(format!(
            "-Dmaven.repo.local={}",
            scratch.join("repository").display()
        ));
    watched(&mut libraries, &java.name, java.minutes)?;
    let mut compile = Command::new("javac");
    compile
        .current_dir(module)
        .arg("-cp")
        .arg(format!("{}/*", folder.join("lib").display()))
        .arg("-d")
        .arg(folder.join("classes"))
        .arg(&java.source);
    watched(&mut compile, &java.name, 1)
}
