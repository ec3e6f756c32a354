//! Programs of a Go module. A change of this file builds every set of this kind anew.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::watch::watched;
use crate::tools::pins::GoPrograms;

/// Builds the programs that the module in `module` pins into `folder`.
pub(super) fn build(go: &GoPrograms, module: &Path, folder: &Path, scratch: &Path) -> Result<()> {
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
    watched(&mut build, &go.name, go.minutes)?;
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

#[cfg(test)]
mod tests {
    use super::name_by_go;

    #[test]
    fn a_major_version_is_no_program_name() {
        assert_eq!(name_by_go("go.etcd.io/etcd/server/v3"), "server");
        assert_eq!(name_by_go("helm.sh/helm/v3/cmd/helm"), "helm");
    }
}
