//! The list of checksums, and its signature by a key of the user's.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::package;
use crate::{command, hex::hex};

/// Lists the zips and the manifest of a version, as `sha256sum --check` reads it.
pub(super) fn write(folder: &Path, version: &str) -> Result<PathBuf> {
    let itself = package::checksums_name(version);
    let path = folder.join(&itself);
    let mut lines = String::new();
    for name in package::of_version(folder, version)? {
        // Neither the list nor its signature.
        if !name.starts_with(&itself) {
            // Writing into a String cannot fail.
            let _ = writeln!(lines, "{}  {name}", digest(&folder.join(&name))?);
        }
    }
    fs::write(&path, lines)?;
    // A signature of an older list would say that this one was changed by somebody.
    let stale = signature(&path);
    if stale.exists() {
        fs::remove_file(&stale).with_context(|| format!("{} cannot go", stale.display()))?;
    }
    Ok(path)
}

/// Signs the list: binary and detached, as the registry wants it.
pub(super) fn sign(list: &Path, key: &str) -> Result<()> {
    command::output(&mut signing(list, key))
        .map(drop)
        .context("the checksums cannot be signed")
}

fn signing(list: &Path, key: &str) -> Command {
    let mut gpg = Command::new("gpg");
    gpg.args(["--batch", "--yes", "--local-user", key, "--output"])
        .arg(signature(list))
        .arg("--detach-sign")
        .arg(list);
    gpg
}

fn signature(list: &Path) -> PathBuf {
    let mut name = list.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

fn digest(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends the agent that gpg leaves behind, also when the test fails.
    struct Keyring(tempfile::TempDir);

    impl Keyring {
        fn gpg(&self, program: &str, arguments: &[&str]) -> Result<String> {
            command::output(
                Command::new(program)
                    .env("GNUPGHOME", self.0.path())
                    .args(arguments),
            )
        }
    }

    impl Drop for Keyring {
        fn drop(&mut self) {
            if let Err(error) = self.gpg("gpgconf", &["--kill", "all"]) {
                eprintln!("gpg's agent goes on: {error:#}");
            }
        }
    }

    fn release() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["linux_amd64.zip", "darwin_arm64.zip", "manifest.json"] {
            let name = format!("terraform-provider-slipway_1.2.3_{name}");
            fs::write(folder.path().join(name), "content").unwrap();
        }
        fs::write(
            folder
                .path()
                .join("terraform-provider-slipway_1.2.4_linux_amd64.zip"),
            "another version",
        )
        .unwrap();
        folder
    }

    #[test]
    fn every_file_of_the_version_is_listed_and_nothing_else() {
        let folder = release();
        let list = write(folder.path(), "1.2.3").unwrap();
        let text = fs::read_to_string(&list).unwrap();
        let named: Vec<&str> = text
            .lines()
            .filter_map(|line| Some(line.split_once("  ")?.1))
            .collect();
        assert_eq!(
            named,
            [
                "terraform-provider-slipway_1.2.3_darwin_arm64.zip",
                "terraform-provider-slipway_1.2.3_linux_amd64.zip",
                "terraform-provider-slipway_1.2.3_manifest.json"
            ]
        );
        let mut check = Command::new("sha256sum");
        check
            .current_dir(folder.path())
            .args(["--check", "--strict"]);
        command::output(check.arg(&list)).unwrap();
        assert_eq!(
            fs::read_to_string(write(folder.path(), "1.2.3").unwrap()).unwrap(),
            text,
            "the list does not list itself"
        );
    }

    #[test]
    fn a_signature_verifies_and_does_not_outlive_its_list() {
        if crate::ground::require("gpg", "").is_err() {
            eprintln!("not run: gpg is not installed");
            return;
        }
        let keys = Keyring(tempfile::tempdir().unwrap());
        let make = "Key-Type: RSA\nKey-Length: 2048\nName-Real: Release\nName-Email: release@example.com\n%no-protection\n%commit\n";
        let recipe = keys.0.path().join("recipe");
        fs::write(&recipe, make).unwrap();
        keys.gpg(
            "gpg",
            &["--batch", "--gen-key", &recipe.display().to_string()],
        )
        .unwrap();

        let folder = release();
        let list = write(folder.path(), "1.2.3").unwrap();
        let mut signing = signing(&list, "release@example.com");
        command::output(signing.env("GNUPGHOME", keys.0.path())).unwrap();
        let (sig, list_name) = (
            signature(&list).display().to_string(),
            list.display().to_string(),
        );
        keys.gpg("gpg", &["--batch", "--verify", &sig, &list_name])
            .unwrap();
        fs::write(&list, "changed").unwrap();
        keys.gpg("gpg", &["--batch", "--verify", &sig, &list_name])
            .unwrap_err();
        write(folder.path(), "1.2.3").unwrap();
        assert!(!signature(&list).exists());
    }
}
