//! The build as users install it: packed by `cargo xtask release` and laid into a filesystem mirror.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};
use nix::fcntl::{Flock, FlockArg};

use crate::build;

/// What a mirror's packages depend on.
const PROGRAMS: [&str; 2] = ["terraform-provider-slipway", "slipway-bootstrap"];
/// The hosts under which Terraform and OpenTofu look for `slipway/slipway`.
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// A mirror with the packages of this build.
#[derive(Debug, Clone)]
pub struct Mirror {
    folder: PathBuf,
}

impl Mirror {
    /// The mirror of the programs that were built last; whoever comes first packs them, the others wait.
    pub fn of_the_build() -> Result<Self> {
        let store = build::binary_folder().join("mirrors");
        fs::create_dir_all(&store)?;
        let lock = fs::File::create(store.join("lock"))?;
        let _only_packer = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, why)| why)?;
        let folder = store.join(key()?);
        if !folder.is_dir() {
            for older in fs::read_dir(&store)? {
                let older = older?.path();
                if older.is_dir() {
                    fs::remove_dir_all(older)?;
                }
            }
            let fresh = store.join("fresh");
            pack(&fresh.join("packages"))?;
            for host in HOSTS {
                publish(&fresh.join("packages"), &fresh.join(host))?;
            }
            fs::rename(&fresh, &folder)?;
        }
        Ok(Self { folder })
    }

    /// The files of the release, before they were laid into the mirror.
    #[must_use]
    pub fn packages(&self) -> PathBuf {
        self.folder.join("packages")
    }

    /// A configuration of the command line that installs from this mirror and from nowhere else.
    #[must_use]
    pub fn command_line_configuration(&self) -> String {
        format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            self.folder.display()
        )
    }
}

/// Packs the programs of the build folder with the project's own task.
pub fn pack(out: &Path) -> Result<()> {
    let output = Command::new(build::binary("xtask")?)
        .args(["release", "--binaries"])
        .arg(build::binary_folder())
        .arg("--out")
        .arg(out)
        .output()?;
    ensure!(
        output.status.success(),
        "xtask release: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Lays the zips where a mirror of that host has them.
fn publish(packages: &Path, host: &Path) -> Result<()> {
    let provider = host.join("slipway/slipway");
    fs::create_dir_all(&provider)?;
    for entry in fs::read_dir(packages)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "zip") {
            let name = path.file_name().context("a package without a name")?;
            fs::hard_link(&path, provider.join(name))?;
        }
    }
    Ok(())
}

/// Changes when a program is built anew.
fn key() -> Result<String> {
    let mut parts = Vec::new();
    for name in PROGRAMS {
        let about = fs::metadata(build::binary(name)?)?;
        let built = about.modified()?.duration_since(UNIX_EPOCH)?;
        parts.push(format!("{}-{}", about.len(), built.as_nanos()));
    }
    Ok(parts.join("-"))
}
