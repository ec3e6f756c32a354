//! `bundle`: playbooks, charts, image list, Ansible and Helm in one archive, for hosts without internet.

mod brought;

use crate::arguments::BundleArguments;
use crate::bundle::{Bundle, CHARTS};
use crate::commands::{open_bundle, refuse, say};
use run_report::canonical::sha256_hex;
use run_report::{Bundle as Tree, Catalog, Chart};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output, Stdio};

/// Charts of this repository come with the playbooks themselves.
const BUNDLED: &str = "bundled";
const LOCK: &str = "components.lock";
const IMAGES: &str = "images.txt";
const CONTENTS: &str = "bundle.json";

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
enum BundlingError {
    #[error("{0}")]
    Unknown(String),
    #[error("helm cannot be started: {0}")]
    NoHelm(std::io::Error),
    #[error("helm cannot be packed: {0}")]
    Helm(String),
    #[error("python3 cannot be started: {0}")]
    NoPython(std::io::Error),
    #[error("Ansible's packages cannot be fetched: {0}")]
    Wheels(String),
    #[error("chart {chart} cannot be fetched: {said}")]
    Chart { chart: String, said: String },
    #[error("{LOCK} cannot be read: {0}")]
    Lock(String),
    #[error("{path}: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// What the lock says of images; its digests are checked where they are used.
#[derive(Default, Deserialize)]
struct Lock {
    #[serde(default)]
    images: BTreeMap<String, Option<String>>,
}

/// Makes the archive.
pub(crate) fn run(arguments: &BundleArguments) -> ExitCode {
    let bundle = match open_bundle(arguments.bundle.as_deref()) {
        Ok(bundle) => bundle,
        Err(refused) => return refused,
    };
    match make(&bundle, arguments) {
        Ok(summary) => {
            say(&summary);
            ExitCode::SUCCESS
        }
        Err(error) => refuse(
            "SLW-309",
            error.to_string(),
            "Run this on Linux where the chart repositories, or the mirror, and a Python package index can be reached, with Helm 3 and \
             Python's pip on the PATH; --without-runtime needs no pip.",
        ),
    }
}

fn make(bundle: &Bundle, arguments: &BundleArguments) -> Result<String, BundlingError> {
    let BundleArguments {
        out,
        mirror,
        component,
        without_runtime,
        python,
        bundle: _,
    } = arguments;
    let chosen = chosen(&bundle.catalog, component)?;
    let mut files: BTreeMap<String, Vec<u8>> = bundle
        .files()
        .map(|(path, contents)| (path.to_owned(), contents.to_vec()))
        .collect();
    let mut charts = BTreeMap::new();
    for (name, chart) in bundle
        .catalog
        .iter()
        .map(|(name, component)| (name, &component.chart))
    {
        if chosen.contains(name) && chart.repository != BUNDLED {
            let archive = fetch(chart, mirror.as_deref())?;
            charts.insert(chart.archive_name(), sha256_hex(&archive));
            files.insert(format!("{CHARTS}/{}", chart.archive_name()), archive);
        }
    }
    if !without_runtime {
        files.extend(brought::runtime(python)?);
    }
    let images = images(bundle, mirror.as_deref())?;
    let contents = contents(&chosen, &charts, images.lines().count());
    files.insert(IMAGES.to_owned(), images.into_bytes());
    files.insert(CONTENTS.to_owned(), contents.to_string().into_bytes());
    let packed = Tree::from_files(files).archive();
    let written = packed.and_then(|packed| std::fs::write(out, packed));
    written.map_err(|source| BundlingError::File {
        path: out.clone(),
        source,
    })?;
    Ok(format!(
        "{}: {} components, {} charts{}; the images that the nodes need are listed in its {IMAGES}",
        out.display(),
        chosen.len(),
        charts.len(),
        if *without_runtime {
            String::new()
        } else {
            format!(", Helm, and Ansible for Python {python}")
        }
    ))
}

/// The named components with everything that they stand on; without names those of a platform that names none.
fn chosen(catalog: &Catalog, named: &[String]) -> Result<BTreeSet<String>, BundlingError> {
    if let Some(unknown) = named.iter().find(|name| catalog.get(name).is_none()) {
        return Err(BundlingError::Unknown(catalog.unknown(unknown)));
    }
    let mut open: Vec<String> = if named.is_empty() {
        let default = catalog.iter().filter(|(_, component)| component.default);
        default.map(|(name, _)| name.to_owned()).collect()
    } else {
        named.to_vec()
    };
    let mut chosen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(component) = catalog.get(&name) {
            open.extend(component.uses.iter().cloned());
        }
        chosen.insert(name);
    }
    Ok(chosen)
}

/// A chart as its repository, or the mirror, gives it.
fn fetch(chart: &Chart, mirror: Option<&str>) -> Result<Vec<u8>, BundlingError> {
    let folder = temporary_folder()?;
    let repository = mirror.unwrap_or(&chart.repository);
    let mut helm = Command::new("helm");
    helm.arg("pull");
    if repository.starts_with("oci://") {
        helm.arg(format!(
            "{}/{}",
            repository.trim_end_matches('/'),
            chart.name
        ));
    } else {
        helm.args([&chart.name, "--repo", repository]);
    }
    helm.args(["--version", &chart.version, "--destination"])
        .arg(&folder.0);
    let pulled = helm
        .stdin(Stdio::null())
        .output()
        .map_err(BundlingError::NoHelm)?;
    let failed = |said: String| BundlingError::Chart {
        chart: format!("{} {} of {repository}", chart.name, chart.version),
        said,
    };
    if !pulled.status.success() {
        return Err(failed(said(&pulled)));
    }
    let path = folder.0.join(chart.archive_name());
    std::fs::read(&path)
        .map_err(|error| failed(format!("Helm left no {}: {error}", chart.archive_name())))
}

/// What a program that failed has said.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

/// A folder that goes when it is not needed any more.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn temporary_folder() -> Result<Folder, BundlingError> {
    let path = std::env::temp_dir().join(format!("slipway-bundle-{}", uuid::Uuid::new_v4()));
    match std::fs::create_dir(&path) {
        Ok(()) => Ok(Folder(path)),
        Err(source) => Err(BundlingError::File { path, source }),
    }
}

/// One image a line, and behind it the place in the mirror where the nodes will look for it.
fn images(bundle: &Bundle, mirror: Option<&str>) -> Result<String, BundlingError> {
    let text = bundle
        .file(LOCK)
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let lock: Lock = if text.trim().is_empty() {
        Lock::default()
    } else {
        serde_saphyr::from_str(&text).map_err(|error| BundlingError::Lock(error.to_string()))?
    };
    let line = |image: &String| match mirror {
        Some(mirror) => format!("{image} {}\n", in_mirror(image, mirror)),
        None => format!("{image}\n"),
    };
    Ok(lock.images.keys().map(line).collect())
}

/// The reference of an image in a mirror: its own path behind the mirror's host.
fn in_mirror(image: &str, mirror: &str) -> String {
    let host = mirror.split_once("://").map_or(mirror, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host);
    let (first, rest) = image.split_once('/').unwrap_or(("", image));
    let named_registry = first.contains(['.', ':']) || first == "localhost";
    let path = match (named_registry, first.is_empty()) {
        (true, _) => rest.to_owned(),
        (false, true) => format!("library/{rest}"),
        (false, false) => image.to_owned(),
    };
    format!("{host}/{path}")
}

fn contents(chosen: &BTreeSet<String>, charts: &BTreeMap<String, String>, images: usize) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "components": chosen,
        "charts": charts,
        "images": images,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_keeps_its_path_behind_the_mirrors_host() {
        for (image, expected) in [
            (
                "quay.io/jetstack/cert-manager-controller:v1",
                "mirror.example:5000/jetstack/cert-manager-controller:v1",
            ),
            ("kong:3.9", "mirror.example:5000/library/kong:3.9"),
            (
                "infisical/infisical:v1",
                "mirror.example:5000/infisical/infisical:v1",
            ),
        ] {
            assert_eq!(
                in_mirror(image, "https://mirror.example:5000/charts"),
                expected
            );
        }
    }

    #[test]
    fn a_component_brings_what_it_reads() {
        let catalog = Catalog::embedded().unwrap();
        let chosen = chosen(&catalog, &["infisical".to_owned()]).unwrap();
        assert!(
            chosen.contains("kong") && !chosen.contains("crossplane"),
            "{chosen:?}"
        );
        let error = super::chosen(&catalog, &["kongg".to_owned()]).unwrap_err();
        assert!(
            error.to_string().contains("did you mean `kong`?"),
            "{error}"
        );
    }
}
