//! The files of a log: each is named by its first record, so that their order by name is the order of the chain.

use super::error::AuditError;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

const PREFIX: &str = "audit-";
const SUFFIX: &str = ".jsonl";
const LOCK: &str = "audit.lock";

/// The log's files, oldest first.
pub(super) fn list(directory: &Path) -> Result<Vec<PathBuf>, AuditError> {
    let failed = |error: &io::Error| disk(directory, "listed", error);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| failed(&error))? {
        let name = entry.map_err(|error| failed(&error))?.file_name();
        let is_ours = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX))
            .is_some_and(|digits| digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()));
        if is_ours {
            found.push(directory.join(name));
        }
    }
    found.sort();
    Ok(found)
}

/// A new file whose first record will have this number.
pub(super) fn create(directory: &Path, first: u64) -> Result<(PathBuf, File), AuditError> {
    let path = directory.join(format!("{PREFIX}{first:020}{SUFFIX}"));
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|file| {
            // The name of a file is not on the disk before its folder is.
            File::open(directory)?.sync_all()?;
            Ok(file)
        })
        .map_err(|error| disk(&path, "created", &error))?;
    Ok((path, file))
}

/// Takes the log for this process until the file is dropped.
pub(super) fn lock(directory: &Path) -> Result<File, AuditError> {
    fs::create_dir_all(directory).map_err(|error| disk(directory, "created", &error))?;
    let path = directory.join(LOCK);
    let file = File::create(&path).map_err(|error| disk(&path, "created", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(AuditError::Taken {
            directory: directory.to_owned(),
        }),
        Err(fs::TryLockError::Error(error)) => Err(disk(&path, "locked", &error)),
    }
}

pub(super) fn disk(path: &Path, action: &'static str, error: &io::Error) -> AuditError {
    AuditError::Disk {
        path: path.to_owned(),
        action,
        why: error.to_string(),
    }
}
