//! The directory, as a remote API would be: calls that fail, and records of its own form.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tfplugin::{Diagnostic, Diagnostics};

/// What a note's file holds.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) folder: String,
    pub(crate) lines: Option<Vec<String>>,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) sections: Option<BTreeMap<String, String>>,
    pub(crate) reminders: Vec<Reminder>,
    pub(crate) author: Option<String>,
    /// How long the secret is that the note is sealed with. The secret itself is not kept.
    pub(crate) sealed: usize,
}

/// When to remind somebody of a note.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub(crate) struct Reminder {
    pub(crate) at: String,
    pub(crate) text: Option<String>,
}

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("cannot {action} {path}: {cause}", path = path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        cause: io::Error,
    },
    #[error("{path} is no note: {cause}", path = path.display())]
    Malformed {
        path: PathBuf,
        cause: serde_json::Error,
    },
}

impl From<StoreError> for Diagnostics {
    fn from(error: StoreError) -> Self {
        let detail =
            format!("The store says: {error}. Check the provider's directory and apply again.");
        Diagnostic::error("The store failed", detail).into()
    }
}

/// The notes of one directory.
pub(crate) struct Store(PathBuf);

impl Store {
    pub(crate) fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }

    pub(crate) fn write(&self, record: &Record) -> Result<(), StoreError> {
        let path = self.path(&record.name);
        let text = serde_json::to_string_pretty(record).map_err(|cause| StoreError::Malformed {
            path: path.clone(),
            cause,
        })?;
        std::fs::write(&path, text).map_err(failed("write", &path))
    }

    /// The note, or nothing if there is none. Whatever else goes wrong is an error: nobody may take it for "gone".
    pub(crate) fn read(&self, name: &str) -> Result<Option<Record>, StoreError> {
        let path = self.path(name);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let record = serde_json::from_slice(&bytes);
                record
                    .map(Some)
                    .map_err(|cause| StoreError::Malformed { path, cause })
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(failed("read", &path)(cause)),
        }
    }

    /// Removes a note. One that is gone already is removed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &path)(cause))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn names(&self) -> Result<Vec<String>, StoreError> {
        let entries = std::fs::read_dir(&self.0).map_err(failed("list", &self.0))?;
        let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = files
            .filter_map(|file| Some(file.strip_suffix(".json")?.to_owned()))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Adds a line to the journal.
    pub(crate) fn journal(&self, line: &str) -> Result<(), StoreError> {
        let path = self.0.join("journal");
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path);
        file.and_then(|mut file| writeln!(file, "{line}"))
            .map_err(failed("write", &path))
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |cause| StoreError::Io {
        action,
        path,
        cause,
    }
}
