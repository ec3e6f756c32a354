//! `playbooks/components.lock`: the digest of every chart and image, asked of the registries and never written by hand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use registry::{Registry, Settings};
use sha2::{Digest as _, Sha256};
use slipway_tests::charts::{self, Component, SIZES};

use crate::hex::hex;
use crate::{command, ground, tools};

const FILE: &str = "playbooks/components.lock";
const HEAD: &str = "# Written by `cargo xtask lock`, never by hand. What has no digest is unpinned: its registry could not be asked yet.\n";
const HUB: &str = "docker.io";
/// Where the Hub's registry answers.
const HUB_ADDRESS: &str = "registry-1.docker.io";

/// Arguments of `cargo xtask lock`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Ask for the charts and images of these components alone; may be given more than once.
    #[arg(long, value_name = "COMPONENT")]
    only: Vec<String>,
    /// Ask nobody: list what there is, keep the digests that are known.
    #[arg(long)]
    offline: bool,
}

/// What is locked, and its digest where it is known.
type Digests = BTreeMap<String, Option<String>>;

#[derive(Default)]
struct Lock {
    charts: Digests,
    images: Digests,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let helm = tools::ensure()?.join("helm");
    let path = ground::root().join(FILE);
    let known = Lock::read(&path)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut lock = Lock::default();
    for component in charts::components()? {
        let ask = !arguments.offline
            && (arguments.only.is_empty() || arguments.only.contains(&component.name));
        let entry = format!("{} {}", component.chart, component.version);
        if !component.is_our_own() {
            let found = answered(ask, &entry, || chart_digest(&helm, &component));
            let old = known.charts.get(&entry).cloned().flatten();
            lock.charts.insert(entry, found.or(old));
        }
        for size in SIZES {
            let rendered = charts::render(&helm, &component.stand_in(), &component, size)?;
            for image in rendered.images()? {
                if lock.images.contains_key(&image) {
                    continue;
                }
                let found = carried(&image)
                    .or_else(|| answered(ask, &image, || runtime.block_on(image_digest(&image))));
                let old = known.images.get(&image).cloned().flatten();
                lock.images.insert(image, found.or(old));
            }
        }
    }
    std::fs::write(&path, lock.text())?;
    lock.report();
    Ok(())
}

/// The answer of a registry; one that cannot be reached is told and changes nothing.
fn answered(ask: bool, what: &str, question: impl FnOnce() -> Result<String>) -> Option<String> {
    if !ask {
        return None;
    }
    question()
        .inspect_err(|error| eprintln!("no answer for {what}: {error:#}"))
        .ok()
}

/// The digest of a chart's archive, which is also that of its layer in an OCI registry.
fn chart_digest(helm: &Path, component: &Component) -> Result<String> {
    let folder = std::env::temp_dir().join(format!("slipway-lock-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut pull = Command::new(helm);
    pull.args(["pull", "--version", &component.version, "--destination"])
        .arg(&folder);
    match component.repository.strip_prefix("oci://") {
        Some(_) => pull.arg(format!("{}/{}", component.repository, component.chart)),
        None => pull.args([&component.chart, "--repo", &component.repository]),
    };
    let pulled = command::output(&mut pull).and_then(|_| {
        let archive = std::fs::read_dir(&folder)?
            .next()
            .context("helm pulled nothing")??
            .path();
        Ok(format!(
            "sha256:{}",
            hex(&Sha256::digest(std::fs::read(archive)?))
        ))
    });
    std::fs::remove_dir_all(&folder)?;
    pulled
}

/// The digest that an image's name carries: whoever pulls it gets that or nothing.
fn carried(image: &str) -> Option<String> {
    image.split_once('@').map(|(_, digest)| digest.to_owned())
}

/// The digest behind an image's tag.
async fn image_digest(image: &str) -> Result<String> {
    let (host, repository, tag) = parts(image);
    let host = if host == HUB { HUB_ADDRESS } else { host };
    let address = format!("https://{host}/").parse()?;
    let digest = Registry::new(Settings::new(address))?
        .digest(&repository, tag)
        .await?;
    Ok(digest
        .with_context(|| format!("{host} has no {repository}:{tag}"))?
        .as_str()
        .to_owned())
}

/// Registry, repository and tag, with what a short name leaves out.
fn parts(image: &str) -> (&str, String, &str) {
    let (name, tag) = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    };
    let (host, repository) = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => (HUB, name),
    };
    let official = host == HUB && !repository.contains('/');
    let prefix = if official { "library/" } else { "" };
    (host, format!("{prefix}{repository}"), tag)
}

impl Lock {
    /// What an earlier run wrote; nothing if there was none.
    fn read(path: &PathBuf) -> Result<Self> {
        let mut lock = Self::default();
        let Ok(text) = std::fs::read_to_string(path) else {
            return Ok(lock);
        };
        let mut section = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some(entry) = line.strip_prefix("  ") else {
                line.trim_end_matches(':').clone_into(&mut section);
                continue;
            };
            let (what, digest) = entry
                .rsplit_once(": ")
                .with_context(|| format!("{FILE} has the line {line:?}: write it anew"))?;
            let digest = Some(digest.trim_matches('"').to_owned()).filter(|text| text != "null");
            let what = what.trim_matches('"').to_owned();
            if section == "charts" {
                lock.charts.insert(what, digest);
            } else {
                lock.images.insert(what, digest);
            }
        }
        Ok(lock)
    }

    fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (section, digests) in [("charts", &self.charts), ("images", &self.images)] {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{section}:");
            for (what, digest) in digests {
                let digest = digest
                    .as_ref()
                    .map_or("null".to_owned(), |digest| format!("{digest:?}"));
                let _ = writeln!(text, "  {what:?}: {digest}");
            }
        }
        text
    }

    fn report(&self) {
        for (kind, digests) in [("charts", &self.charts), ("images", &self.images)] {
            let unpinned: Vec<&String> = digests
                .iter()
                .filter_map(|(what, digest)| digest.is_none().then_some(what))
                .collect();
            eprintln!(
                "{kind}: {} of {} pinned",
                digests.len() - unpinned.len(),
                digests.len()
            );
            for what in unpinned {
                eprintln!("  unpinned: {what}");
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::{Lock, parts};

    #[test]
    fn names_of_images_are_completed() {
        for (image, host, repository, tag) in [
            ("kong:3.9.3", "docker.io", "library/kong", "3.9.3"),
            (
                "permitio/opal-server:0.9.6",
                "docker.io",
                "permitio/opal-server",
                "0.9.6",
            ),
            ("quay.io/jetstack/x:v1", "quay.io", "jetstack/x", "v1"),
            ("localhost:5000/x", "localhost:5000", "x", "latest"),
        ] {
            assert_eq!(parts(image), (host, repository.to_owned(), tag), "{image}");
        }
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let mut lock = Lock::default();
        lock.charts.insert("kong 3.4.1".to_owned(), None);
        lock.images
            .insert("quay.io/x:v1".to_owned(), Some("sha256:ab".to_owned()));
        let path = std::env::temp_dir().join(format!("slipway-lock-test-{}", std::process::id()));
        std::fs::write(&path, lock.text()).unwrap();
        let read = Lock::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((read.charts, read.images), (lock.charts, lock.images));
    }
}
