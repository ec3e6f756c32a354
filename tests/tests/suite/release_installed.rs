//! The build as it is released: packed, laid into a filesystem mirror, installed by `init`, locked, applied, destroyed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use slipway_tests::{Core, Mirror, Sandbox, SandboxOptions, Terraform, configuration, pack};

const LOCK: &str = ".terraform.lock.hcl";

#[test]
fn terraform_installs_locks_applies_and_destroys_the_package() -> Result<()> {
    works_installed(Core::Terraform)
}

#[test]
fn opentofu_installs_locks_applies_and_destroys_the_package() -> Result<()> {
    works_installed(Core::OpenTofu)
}

fn works_installed(core: Core) -> Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::records())?;
    let mirror = Mirror::of_the_build()?;
    let text = configuration::platform("installed", &[]);
    let terraform = Terraform::installed(core, &sandbox, &mirror, &text)?;
    let lock = std::fs::read_to_string(terraform.folder().join(LOCK))?;
    for word in [
        format!("provider \"{}/slipway/slipway\"", core.registry()),
        format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
        "h1:".to_owned(),
    ] {
        ensure!(lock.contains(&word), "the lock has no {word}:\n{lock}");
    }
    both_programs_lie_side_by_side(&terraform)?;
    terraform.apply()?.ok()?;
    ensure!(
        terraform.plan()?.code == 0,
        "the plan after the apply is not empty"
    );
    another_package_is_refused(&terraform, &lock)?;
    terraform.destroy()?.ok()?;
    let left = sandbox.objects()?;
    ensure!(left.is_empty(), "left behind: {left:#?}");
    Ok(())
}

/// The provider starts `slipway-bootstrap` from its own folder: it must be there, and able to run.
fn both_programs_lie_side_by_side(terraform: &Terraform) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let provider = find(
        &terraform.folder().join(".terraform/providers"),
        &format!("terraform-provider-slipway_v{version}"),
    )?
    .context("init installed no provider")?;
    let bootstrap = provider.with_file_name("slipway-bootstrap");
    let output = Command::new(&bootstrap)
        .arg("--version")
        .output()
        .with_context(|| format!("{} does not start", bootstrap.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        said.contains(version),
        "{} says {said}",
        bootstrap.display()
    );
    Ok(())
}

/// Whoever locked one package gets no other one under the same version.
fn another_package_is_refused(terraform: &Terraform, lock: &str) -> Result<()> {
    let hash = lock
        .split("h1:")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .context("no hash in the lock")?;
    let path = terraform.folder().join(LOCK);
    let other: String = hash.chars().rev().collect();
    std::fs::write(&path, lock.replace(hash, &other))?;
    let said = terraform.run(&["init", "-no-color"])?.failed()?.text();
    ensure!(said.contains("checksum"), "{said}");
    std::fs::write(&path, lock)?;
    terraform.run(&["init", "-no-color"])?.ok()?;
    Ok(())
}

fn find(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find(&path, name)? {
                return Ok(Some(found));
            }
        } else if path.file_name().is_some_and(|found| found == name) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[test]
fn packing_the_same_programs_again_gives_the_same_files() -> Result<()> {
    let first = Mirror::of_the_build()?.packages();
    let again = tempfile::tempdir()?;
    pack(again.path())?;
    let names = |folder: &Path| -> Result<Vec<String>> {
        let mut names = std::fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<Vec<_>>>()?;
        names.sort_unstable();
        Ok(names)
    };
    let files = names(&first)?;
    ensure!(
        files == names(again.path())? && files.len() == 3,
        "a release is a zip, a manifest and checksums, not {files:?}"
    );
    for file in files {
        ensure!(
            std::fs::read(first.join(&file))? == std::fs::read(again.path().join(&file))?,
            "{file} differs the second time"
        );
    }
    Ok(())
}
