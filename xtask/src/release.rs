//! The files of a release, in the registry's naming: what `terraform init` installs from a mirror or from the registry.

mod checksums;
mod package;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, ground};
use package::{Package, Platform};

/// The version of every program of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the registry reads to learn which protocol the provider speaks.
const MANIFEST: &str = "terraform-registry-manifest.json";

/// Arguments of `cargo xtask release`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the files go; what lies there of the same version, for other platforms, is listed in the checksums too.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Pack the programs of this folder instead of building them.
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// Build for this target, by its Rust name; its toolchain must be installed. Default: this machine's.
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// Sign the checksums with this key of your GPG keyring (RSA: the public registry takes no other).
    #[arg(long, value_name = "KEY")]
    sign: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let triple = arguments.target.clone().map_or_else(host_triple, Ok)?;
    let platform = Platform::of(&triple)?;
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| ground::target().join("packages"));
    fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;

    let programs = match &arguments.binaries {
        Some(folder) => folder.clone(),
        None => build(arguments.target.as_deref())?,
    };
    let package = Package::new(VERSION, platform);
    package.write(&programs, &ground::root().join("LICENSE"), &out)?;
    fs::copy(
        ground::root().join(MANIFEST),
        out.join(package::manifest_name(VERSION)),
    )
    .with_context(|| format!("{MANIFEST} cannot be copied"))?;
    let sums = checksums::write(&out, VERSION)?;
    match &arguments.sign {
        Some(key) => {
            ground::require("gpg", "install GnuPG, or leave out --sign")?;
            checksums::sign(&sums, key)?;
        }
        None => eprintln!("  not signed: the public registry wants --sign KEY, a mirror does not"),
    }
    for file in package::of_version(&out, VERSION)? {
        writeln!(std::io::stdout(), "{}", out.join(file).display())?;
    }
    Ok(())
}

/// Builds the two programs with the release profile and names their folder.
fn build(target: Option<&str>) -> Result<PathBuf> {
    let mut build = ground::cargo();
    build
        .args(["build", "--release", "--locked"])
        .args(
            package::PROGRAMS
                .iter()
                .flat_map(|name| ["--package", name]),
        )
        .env("RUSTFLAGS", without_our_paths());
    let mut folder = ground::target();
    if let Some(target) = target {
        build.args(["--target", target]);
        folder.push(target);
    }
    command::run(&mut build)?;
    Ok(folder.join("release"))
}

/// Flags that keep the names of this machine's folders out of the programs, so that another checkout builds the same bytes.
pub(crate) fn without_our_paths() -> String {
    let mut folders = vec![(ground::root(), "slipway")];
    let home = std::env::var_os("HOME").map(PathBuf::from);
    for (variable, default, name) in [
        ("CARGO_HOME", ".cargo", "cargo"),
        ("RUSTUP_HOME", ".rustup", "rustup"),
    ] {
        let folder = std::env::var_os(variable)
            .map(PathBuf::from)
            .or_else(|| home.as_ref().map(|home| home.join(default)));
        folders.extend(folder.map(|folder| (folder, name)));
    }
    let given = std::env::var("RUSTFLAGS").unwrap_or_default();
    folders.iter().fold(given, |flags, (folder, name)| {
        format!("{flags} --remap-path-prefix={}=/{name}", folder.display())
    })
}

pub(crate) fn host_triple() -> Result<String> {
    let about = command::output(Command::new("rustc").arg("-vV"))?;
    about
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc does not say for which machine it builds")
}

/// A program that must lie in the folder.
fn require_program(path: &Path) -> Result<()> {
    if !path.is_file() {
        bail!(
            "{} is missing: build it with `cargo build --workspace --bins`, or leave out --binaries",
            path.display()
        );
    }
    Ok(())
}
