//! What can go wrong with the log.

use super::verify::Broken;
use std::path::PathBuf;

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk refuses.
    #[error(
        "SLW-550: the audit log {} cannot be {action}: {why}; nothing is answered that is not in the log, so mend the disk and start again", path.display()
    )]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's words.
        why: String,
    },
    /// The chain of the newest files does not hold.
    #[error(
        "SLW-551: the audit log is broken: {0}; keep the files as evidence, move them away and start a new log"
    )]
    Broken(#[from] Broken),
    /// Another process writes this log.
    #[error(
        "SLW-552: the audit log {} is being written by another process; give each replica a folder of its own", directory.display()
    )]
    Taken {
        /// The folder.
        directory: PathBuf,
    },
    /// A record could not be put into words.
    #[error("SLW-550: a record of the audit log cannot be written: {0}")]
    Record(#[from] serde_json::Error),
    /// The disk failed to keep a record, so nobody knows what it holds.
    #[error(
        "SLW-550: the audit log takes no more records since the disk failed to keep one; look at the disk and start again"
    )]
    Stopped,
}
