//! The playbooks of a run: those in this binary, or a folder that the user named.

use run_report::canonical::{sha256_hex, sha256_of_json};
use run_report::digest::WantedError;
use run_report::{Catalog, CatalogError, Component, Request, Wanted, bundle};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A playbooks tree with its catalogue.
#[derive(Debug)]
pub struct Bundle {
    /// Digest of its files.
    pub digest: String,
    /// The components it can install.
    pub catalog: Catalog,
    /// Path below the folder and contents; none for the tree in this binary.
    folder: Option<BTreeMap<String, Vec<u8>>>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The folder cannot be read.
    #[error("SLW-304: the bundle {path} cannot be read: {source}")]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its catalogue is not sound.
    #[error("SLW-304: {0}")]
    Catalog(#[from] CatalogError),
}

impl Bundle {
    /// The tree that this binary carries.
    pub fn embedded() -> Result<Self, BundleError> {
        Ok(Self {
            digest: bundle::digest(),
            catalog: Catalog::embedded()?,
            folder: None,
        })
    }

    /// A folder with a `components.yaml`.
    pub fn folder(path: &Path) -> Result<Self, BundleError> {
        let mut files = BTreeMap::new();
        collect(path, path, &mut files)?;
        let yaml = files
            .get("components.yaml")
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let yaml = yaml.ok_or_else(|| CatalogError::Malformed("the bundle has none".to_owned()))?;
        let catalog = Catalog::parse(&yaml)?;
        Ok(Self {
            digest: digest_of(files.iter()),
            catalog,
            folder: Some(files),
        })
    }

    /// The tree as a `tar.gz`.
    pub fn archive(&self) -> io::Result<Vec<u8>> {
        match &self.folder {
            None => bundle::archive(),
            Some(files) => pack(
                files
                    .iter()
                    .map(|(name, contents)| (name.as_str(), contents.as_slice())),
            ),
        }
    }

    /// The components of a request as they are wanted.
    pub fn wanted(&self, request: &Request) -> Result<BTreeMap<String, Wanted>, WantedError> {
        let mut wanted = self
            .catalog
            .wanted(&request.components, request.secrets_version)?;
        if let Some(files) = &self.folder {
            self.fold_in(files, &mut wanted);
        }
        Ok(wanted)
    }

    /// The catalogue takes digests over the files in this binary; here the folder's take their place.
    fn fold_in(&self, files: &BTreeMap<String, Vec<u8>>, wanted: &mut BTreeMap<String, Wanted>) {
        let chosen: BTreeSet<String> = wanted.keys().cloned().collect();
        let mut done: BTreeMap<String, String> = BTreeMap::new();
        for name in self.catalog.waves(&chosen).into_iter().flatten() {
            let (Some(component), Some(one)) = (self.catalog.get(&name), wanted.get_mut(&name))
            else {
                continue;
            };
            let own = digest_of(files.iter().filter(|(path, _)| belongs_to(component, path)));
            let inputs: BTreeMap<&String, &String> = component
                .uses
                .iter()
                .filter_map(|used| Some((used, done.get(used)?)))
                .collect();
            one.digests.inputs = sha256_of_json(&json!(inputs));
            one.digests.playbook = sha256_of_json(&json!([one.digests.playbook, own]));
            one.digests.digest = sha256_of_json(&json!([
                one.digests.digest,
                one.digests.playbook,
                one.digests.inputs
            ]));
            done.insert(name, one.digests.digest.clone());
        }
    }
}

fn belongs_to(component: &Component, path: &str) -> bool {
    let in_role = |role: &String| {
        path.strip_prefix("roles/")
            .and_then(|rest| rest.strip_prefix(role.as_str()))
    };
    path == component.playbook
        || component
            .roles
            .iter()
            .any(|role| in_role(role).is_some_and(|rest| rest.starts_with('/')))
}

fn digest_of<'a>(files: impl Iterator<Item = (&'a String, &'a Vec<u8>)>) -> String {
    let listing: Map<String, Value> = files
        .map(|(name, contents)| (name.clone(), Value::from(sha256_hex(contents))))
        .collect();
    sha256_of_json(&Value::Object(listing))
}

/// Files as a `tar.gz` that is the same for the same files.
pub(crate) fn pack<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::default(),
    ));
    for (name, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        tar.append_data(&mut header, name, contents)?;
    }
    tar.into_inner()?.finish()
}

fn collect(
    root: &Path,
    at: &Path,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), BundleError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| BundleError::Unreadable { path, source }
    };
    for entry in std::fs::read_dir(at).map_err(unreadable(at))? {
        let path = entry.map_err(unreadable(at))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "__pycache__" || name.ends_with(".pyc") {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let mut contents = Vec::new();
            std::fs::File::open(&path)
                .and_then(|mut file| file.read_to_end(&mut contents))
                .map_err(unreadable(&path))?;
            let inside = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            files.insert(inside, contents);
        }
    }
    Ok(())
}
