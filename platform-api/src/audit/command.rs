//! `platform-api audit verify`.

use super::chain::Anchor;
use super::error::AuditError;
use super::files;
use super::verify::{Verified, verify};
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `platform-api audit verify`.
#[derive(Clone, Debug, clap::Args)]
pub struct Verify {
    /// The log's files in their order, or its folder.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A record that somebody saw, as `SEQ:HASH`: the `slipway-audit` header of an answer, or the head that an earlier
    /// check printed. Without one, an end that was cut off goes unseen. More of them may be given; older files that were
    /// put away need the last one of theirs.
    #[arg(long)]
    anchor: Vec<Anchor>,
}

impl Verify {
    /// Checks the chain and says what was found; the error names the first broken record.
    pub fn run(&self, out: &mut impl Write) -> Result<(), AuditError> {
        let files = self.files()?;
        let Verified {
            records,
            first,
            head,
        } = verify(&files, &self.anchor)?;
        let written = if records == 0 {
            writeln!(out, "the log is empty")
        } else {
            writeln!(
                out,
                "{records} records, {first} to {}, follow each other\nhead {head}",
                head.seq
            )
            .and_then(|()| match self.anchor.iter().map(|a| a.seq).max() {
                Some(newest) => writeln!(out, "anchored up to record {newest}"),
                None => writeln!(
                    out,
                    "no anchor was given: an end that was cut off or written anew would go unseen"
                ),
            })
        };
        written.map_err(|error: io::Error| files::disk(&PathBuf::from("-"), "reported", &error))
    }

    fn files(&self) -> Result<Vec<PathBuf>, AuditError> {
        let mut all = Vec::new();
        for path in &self.files {
            if path.is_dir() {
                all.extend(files::list(path)?);
            } else {
                all.push(path.clone());
            }
        }
        Ok(all)
    }
}
