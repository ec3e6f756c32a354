//! The playbooks of a run: those in this binary, or a folder that the user named.

use run_report::bundle::Bundle as Tree;
use run_report::{Catalog, CatalogError};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of charts in a bundle that has some.
pub(crate) const CHARTS: &str = "charts";
/// The folder of what runs playbooks, in a bundle that brings it.
pub(crate) const RUNTIME: &str = "runtime";
/// Python packages below it, and the program Helm.
pub(crate) const WHEELS: &str = "runtime/wheels";
pub(crate) const HELM: &str = "runtime/helm";

/// A playbooks tree with its catalogue.
#[derive(Debug)]
pub struct Bundle {
    /// Digest of its files.
    pub digest: String,
    /// The components it can install.
    pub catalog: Catalog,
    tree: Tree,
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
        Self::of(Tree::embedded())
    }

    /// A folder with a `components.yaml`.
    pub fn folder(path: &Path) -> Result<Self, BundleError> {
        let mut files = BTreeMap::new();
        collect(path, path, &mut files)?;
        Self::of(Tree::from_files(files))
    }

    /// What the user named: a folder, or an archive that `slipway-bootstrap bundle` made.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        if !path.is_file() {
            return Self::folder(path);
        }
        let unpacked = std::fs::File::open(path).and_then(Tree::unpack);
        Self::of(unpacked.map_err(|source| BundleError::Unreadable {
            path: path.to_owned(),
            source,
        })?)
    }

    fn of(tree: Tree) -> Result<Self, BundleError> {
        Ok(Self {
            digest: tree.digest(),
            catalog: Catalog::of(&tree)?,
            tree,
        })
    }

    /// Whether it brings charts, so that no repository is asked for them.
    #[must_use]
    pub fn has_charts(&self) -> bool {
        self.holds(CHARTS)
    }

    /// Whether it brings Ansible and Helm, so that no package index is asked for them.
    #[must_use]
    pub fn has_runtime(&self) -> bool {
        self.holds(RUNTIME)
    }

    fn holds(&self, folder: &str) -> bool {
        let inside = |path: &str| {
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.files().any(|(path, _)| inside(path))
    }

    /// Its files, by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.tree.files()
    }

    /// One of its files.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.tree.file(path)
    }

    /// The tree as a `tar.gz`.
    pub fn archive(&self) -> io::Result<Vec<u8>> {
        self.tree.archive()
    }
}

/// Gathers what a run needs: hidden files and Python's caches would change the digest of an unchanged tree.
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
            let contents = std::fs::read(&path).map_err(unreadable(&path))?;
            let inside = path.strip_prefix(root).unwrap_or(&path);
            files.insert(inside.to_string_lossy().into_owned(), contents);
        }
    }
    Ok(())
}
