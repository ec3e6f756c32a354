//! Whether the chain holds, and where it breaks first.

use super::chain::{Anchor, Head};
use super::error::AuditError;
use super::files::disk;
use super::record::{Record, Unreadable};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A line is read up to here; no record is that long.
const LONGEST_LINE: u64 = 1024 * 1024;

/// A chain that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Records read.
    pub records: u64,
    /// The number of the first.
    pub first: u64,
    /// The last one. Keep it elsewhere: it is the anchor of the next check.
    pub head: Head,
}

/// Where a chain breaks first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {found}", file.display())]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: u64,
    /// What is wrong there.
    pub found: Break,
}

/// What is wrong at the place where a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// The line is no record of this log.
    NotARecord,
    /// The record's contents do not have its hash.
    Edited,
    /// Another number was to come.
    Number {
        /// The number that was to come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The record does not follow the one before it.
    Chain {
        /// Its number.
        seq: u64,
    },
    /// The last line has no end: the process was killed while it wrote. The next start of the API mends that.
    Torn,
    /// The first record is not the first of the log, and nothing proves that it follows what was there before.
    Beheaded {
        /// Its number.
        first: u64,
    },
    /// The log ends before a record that an anchor proves.
    Truncated {
        /// The last record there is.
        last: u64,
        /// The anchor's record.
        anchor: u64,
    },
    /// The record is not the one that an anchor proves: everything from some record on was written anew.
    Rewritten {
        /// Its number.
        seq: u64,
    },
}

/// Checks the chain through files, in this order. `anchors` are records that somebody saw.
///
/// A chain whose older files were put away needs the anchor of the record before its first: the head that a check of
/// those files printed.
pub fn verify(files: &[PathBuf], anchors: &[Anchor]) -> Result<Verified, AuditError> {
    let mut walk = Walk::new(anchors, Beginning::Proved);
    for file in files {
        walk.file(file, &mut |_| ())?;
    }
    Ok(walk.end(files)?)
}

/// What is asked of the first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// It is record 1, or an anchor names the one before it.
    Proved,
    /// Nothing: the files before it are not looked at.
    Anywhere,
}

/// A chain on the way through its files.
pub(super) struct Walk<'a> {
    anchors: &'a [Anchor],
    beginning: Beginning,
    first: Option<u64>,
    records: u64,
    head: Head,
}

impl<'a> Walk<'a> {
    pub(super) fn new(anchors: &'a [Anchor], beginning: Beginning) -> Self {
        Self {
            anchors,
            beginning,
            first: None,
            records: 0,
            head: Head::origin(),
        }
    }

    /// Follows the chain through one file and shows each record.
    pub(super) fn file(
        &mut self,
        path: &Path,
        show: &mut dyn FnMut(&Record),
    ) -> Result<(), AuditError> {
        let file = File::open(path).map_err(|error| disk(path, "read", &error))?;
        let mut reader = BufReader::new(file);
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            let read = std::io::Read::take(&mut reader, LONGEST_LINE)
                .read_until(b'\n', &mut bytes)
                .map_err(|error| disk(path, "read", &error))?;
            if read == 0 {
                break;
            }
            let record = self.line(&bytes).map_err(|found| Broken {
                file: path.to_owned(),
                line,
                found,
            })?;
            show(&record);
        }
        Ok(())
    }

    fn line(&mut self, bytes: &[u8]) -> Result<Record, Break> {
        let body = bytes.strip_suffix(b"\n").ok_or({
            if bytes.len() as u64 == LONGEST_LINE {
                Break::NotARecord
            } else {
                Break::Torn
            }
        })?;
        let (record, hash) = Record::read(body).map_err(|why| match why {
            Unreadable::NotARecord => Break::NotARecord,
            Unreadable::Edited => Break::Edited,
        })?;
        if self.first.is_none() {
            self.begin(&record)?;
        }
        let expected = self.head.seq + 1;
        if record.seq != expected {
            return Err(Break::Number {
                expected,
                found: record.seq,
            });
        }
        if record.previous != self.head.hash {
            return Err(Break::Chain { seq: record.seq });
        }
        self.head = Head {
            seq: record.seq,
            hash,
        };
        self.records += 1;
        let rewritten = self
            .anchors
            .iter()
            .any(|anchor| anchor.seq == record.seq && anchor.hash != self.head.hash);
        if rewritten {
            return Err(Break::Rewritten { seq: record.seq });
        }
        Ok(record)
    }

    fn begin(&mut self, record: &Record) -> Result<(), Break> {
        self.first = Some(record.seq);
        let Some(before) = record.seq.checked_sub(1).filter(|before| *before > 0) else {
            return Ok(());
        };
        let anchor = self.anchors.iter().find(|anchor| anchor.seq == before);
        self.head = match (anchor, self.beginning) {
            (Some(anchor), _) => anchor.clone(),
            (None, Beginning::Anywhere) => Head {
                seq: before,
                hash: record.previous.clone(),
            },
            (None, Beginning::Proved) => return Err(Break::Beheaded { first: record.seq }),
        };
        Ok(())
    }

    pub(super) fn end(self, files: &[PathBuf]) -> Result<Verified, Broken> {
        let beyond = self
            .anchors
            .iter()
            .map(|anchor| anchor.seq)
            .filter(|seq| *seq > self.head.seq)
            .max();
        if let Some(anchor) = beyond {
            return Err(Broken {
                file: files.last().cloned().unwrap_or_default(),
                line: self.records,
                found: Break::Truncated {
                    last: self.head.seq,
                    anchor,
                },
            });
        }
        Ok(Verified {
            records: self.records,
            first: self.first.unwrap_or(0),
            head: self.head,
        })
    }

    /// The newest record so far.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARecord => f.write_str("this line is no record of the log"),
            Self::Edited => f.write_str("the record was edited: its contents do not have its hash"),
            Self::Number { expected, found } if found > expected => write!(
                f,
                "record {expected} is missing: record {found} stands in its place"
            ),
            Self::Number { expected, found } => write!(
                f,
                "record {found} stands where record {expected} was to come: it was inserted or moved"
            ),
            Self::Chain { seq } => write!(
                f,
                "record {seq} does not follow the one before it: one of the two was replaced"
            ),
            Self::Torn => f.write_str(
                "the last line has no end: it is being written now, or the process was killed while it wrote it; the next start of the API puts that right and records it",
            ),
            Self::Beheaded { first } => write!(
                f,
                "the log begins with record {first}: what was before it was cut off or put away; give the older files too, or the anchor of record {}",
                first - 1
            ),
            Self::Truncated { last, anchor } => write!(
                f,
                "the log ends with record {last}, but an anchor proves record {anchor}: its end was cut off"
            ),
            Self::Rewritten { seq } => write!(
                f,
                "record {seq} is not the one that an anchor proves: the log was written anew"
            ),
        }
    }
}
