//! Takes up a log where the process before left it.

use super::chain::{Hash, Head};
use super::error::AuditError;
use super::files::{self, disk};
use super::record::{Outcome, Start, What};
use super::verify::{Beginning, Walk};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A record is shorter than this, so a torn one is too.
const LONGEST_TORN: u64 = 1024 * 1024;

/// A log that can be written on.
pub(super) struct Recovered {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) head: Head,
    pub(super) start: Start,
}

/// Cuts off a torn record, checks the chain of the two newest files and finds the writes that were not answered.
pub(super) fn recover(directory: &Path) -> Result<Recovered, AuditError> {
    let all = files::list(directory)?;
    let Some(newest) = all.last().cloned() else {
        let (path, file) = files::create(directory, 1)?;
        return Ok(Recovered {
            path,
            file,
            length: 0,
            head: Head::origin(),
            start: Start {
                torn_bytes: 0,
                torn_hash: None,
                interrupted: Vec::new(),
            },
        });
    };
    let torn = cut(&newest)?;
    let mut walk = Walk::new(&[], Beginning::Anywhere);
    let mut open = BTreeSet::new();
    // A write lasts seconds: one that began two files ago was answered.
    for path in &all[all.len().saturating_sub(2)..] {
        walk.file(path, &mut |record| {
            follow(&mut open, record.seq, &record.what);
        })?;
    }
    let failed = |error: &std::io::Error| disk(&newest, "opened", error);
    let file = OpenOptions::new()
        .append(true)
        .open(&newest)
        .map_err(|error| failed(&error))?;
    let length = file.metadata().map_err(|error| failed(&error))?.len();
    Ok(Recovered {
        length,
        file,
        head: walk.head().clone(),
        start: Start {
            torn_bytes: torn.len(),
            torn_hash: (!torn.is_empty()).then(|| Hash::of(&torn)),
            interrupted: open.into_iter().collect(),
        },
        path: newest,
    })
}

fn follow(open: &mut BTreeSet<u64>, seq: u64, what: &What) {
    match what {
        // A start has named what was open before it.
        What::Start(_) => open.clear(),
        What::Request(event) => match &event.outcome {
            Outcome::Begun => {
                open.insert(seq);
            }
            Outcome::Answered { begun, .. } => {
                if let Some(begun) = begun {
                    open.remove(begun);
                }
            }
        },
    }
}

/// Removes what stands after the last end of line and gives it back.
fn cut(path: &Path) -> Result<Vec<u8>, AuditError> {
    let cut = || {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = file.metadata()?.len();
        let from = length.saturating_sub(LONGEST_TORN);
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let Some(keep) = tail
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map(|at| at + 1)
            // A file of one torn record has no end of line at all.
            .or((from == 0).then_some(0))
        else {
            // No record is that long: the check of the chain says what it is.
            return Ok(Vec::new());
        };
        let torn = tail.split_off(keep);
        if !torn.is_empty() {
            file.set_len(length - torn.len() as u64)?;
            file.sync_all()?;
        }
        Ok(torn)
    };
    cut().map_err(|error: std::io::Error| disk(path, "mended", &error))
}
