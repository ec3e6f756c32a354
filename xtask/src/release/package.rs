//! One zip: the provider, the program it starts and the licence, the same bytes for the same programs.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::require_program;

/// The provider's name in the registry.
const NAME: &str = "terraform-provider-slipway";
/// What the provider looks for beside its own program.
const BOOTSTRAP: &str = "slipway-bootstrap";
/// The programs of a package, as cargo names them.
pub(super) const PROGRAMS: [&str; 2] = [NAME, BOOTSTRAP];

/// A platform in Terraform's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Platform {
    os: &'static str,
    architecture: &'static str,
}

impl Platform {
    /// From the Rust name of a target. The two programs run on Unix alone: they signal and watch processes.
    pub(super) fn of(triple: &str) -> Result<Self> {
        let architecture = match triple.split('-').next() {
            Some("x86_64") => "amd64",
            Some("aarch64") => "arm64",
            _ => bail!("no releases are made for the processor of {triple}"),
        };
        let os = if triple.contains("-linux-") {
            "linux"
        } else if triple.ends_with("-apple-darwin") {
            "darwin"
        } else {
            bail!("no releases are made for the system of {triple}")
        };
        Ok(Self { os, architecture })
    }
}

/// One zip of a release.
pub(super) struct Package {
    version: &'static str,
    platform: Platform,
}

impl Package {
    pub(super) fn new(version: &'static str, platform: Platform) -> Self {
        Self { version, platform }
    }

    fn file_name(&self) -> String {
        format!(
            "{NAME}_{}_{}_{}.zip",
            self.version, self.platform.os, self.platform.architecture
        )
    }

    /// Packs the programs of a folder. The zip appears under its name only when it is whole.
    pub(super) fn write(&self, programs: &Path, licence: &Path, out: &Path) -> Result<PathBuf> {
        let provider = format!("{NAME}_v{}", self.version);
        let entries = [
            ("LICENSE", licence.to_path_buf(), 0o644),
            (BOOTSTRAP, programs.join(BOOTSTRAP), 0o755),
            (provider.as_str(), programs.join(NAME), 0o755),
        ];
        let path = out.join(self.file_name());
        let fresh = out.join(format!(".{}", self.file_name()));
        let mut zip = ZipWriter::new(File::create(&fresh)?);
        for (name, from, mode) in entries {
            require_program(&from)?;
            // No time of day and no owner: the bytes depend on the programs alone.
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .last_modified_time(DateTime::DEFAULT)
                .unix_permissions(mode);
            zip.start_file(name, options)?;
            io::copy(&mut File::open(&from)?, &mut zip)
                .with_context(|| format!("{} cannot be packed", from.display()))?;
        }
        zip.finish()?;
        fs::rename(&fresh, &path)?;
        Ok(path)
    }
}

/// The name under which the registry's manifest is published.
pub(super) fn manifest_name(version: &str) -> String {
    format!("{NAME}_{version}_manifest.json")
}

/// The name of the list of checksums.
pub(super) fn checksums_name(version: &str) -> String {
    format!("{NAME}_{version}_SHA256SUMS")
}

/// The files of one version in a folder, sorted.
pub(super) fn of_version(folder: &Path, version: &str) -> Result<Vec<String>> {
    let prefix = format!("{NAME}_{version}_");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(&prefix) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(programs: &Path, out: &Path) -> Vec<u8> {
        let package = Package::new("1.2.3", Platform::of("x86_64-unknown-linux-gnu").unwrap());
        let licence = programs.join("LICENSE");
        fs::read(package.write(programs, &licence, out).unwrap()).unwrap()
    }

    fn programs() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            (NAME, "the provider"),
            (BOOTSTRAP, "its helper"),
            ("LICENSE", "free"),
        ] {
            fs::write(folder.path().join(name), text.repeat(1000)).unwrap();
        }
        folder
    }

    #[test]
    fn the_same_programs_give_the_same_bytes_wherever_and_whenever() {
        let (one, two) = (programs(), programs());
        let old = fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
        File::open(two.path().join(NAME))
            .unwrap()
            .set_times(old)
            .unwrap();
        let first = packed(one.path(), one.path());
        assert_eq!(first, packed(two.path(), two.path()));
        fs::write(two.path().join(BOOTSTRAP), "another").unwrap();
        assert_ne!(first, packed(two.path(), two.path()));
    }

    #[test]
    fn a_package_holds_both_programs_ready_to_run() {
        let folder = programs();
        let bytes = packed(folder.path(), folder.path());
        let mut zip = zip::ZipArchive::new(io::Cursor::new(bytes)).unwrap();
        let mut seen = Vec::new();
        for index in 0..zip.len() {
            let entry = zip.by_index(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            seen.push((name, entry.unix_mode().unwrap() & 0o777));
        }
        assert_eq!(
            seen,
            [
                ("LICENSE".to_owned(), 0o644),
                ("slipway-bootstrap".to_owned(), 0o755),
                ("terraform-provider-slipway_v1.2.3".to_owned(), 0o755)
            ]
        );
        assert_eq!(
            of_version(folder.path(), "1.2.3").unwrap(),
            ["terraform-provider-slipway_1.2.3_linux_amd64.zip"]
        );
    }

    #[test]
    fn platforms_are_named_as_terraform_names_them() {
        let named = |triple: &str| {
            Platform::of(triple)
                .map(|platform| format!("{}_{}", platform.os, platform.architecture))
        };
        assert_eq!(named("aarch64-apple-darwin").unwrap(), "darwin_arm64");
        assert_eq!(named("x86_64-unknown-linux-musl").unwrap(), "linux_amd64");
        assert!(named("x86_64-pc-windows-msvc").is_err());
        assert!(named("riscv64gc-unknown-linux-gnu").is_err());
    }
}
