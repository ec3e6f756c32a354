//! The set in force, kept in a file for the next start.

use super::error::LoadError;
use super::stage::Stage;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A set that was in force, and when the feed was last heard.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) heard: Timestamp,
    pub(super) stage: Stage,
}

/// What was kept; `None` when nothing was, or by another release in another form: then the feed brings it again.
pub(super) fn read(file: &Path) -> Result<Option<Kept>, LoadError> {
    match fs::read(file) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!(%error, file = %file.display(), "kept policies have another form"))
            .ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LoadError::Unreadable { file: file.to_path_buf(), why: error.to_string() }),
    }
}

/// Keeps a set: the file holds the old one or the new one, never a part of either.
pub(super) fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let beside = file.with_extension("new");
    let mut new = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    new.write_all(&serde_json::to_vec(kept)?)?;
    new.sync_all()?;
    fs::rename(&beside, file)
}
