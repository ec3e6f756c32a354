//! Who did what, when, by which right, and what came of it: an append-only file whose records hang together.
//!
//! Each line is one JSON record that ends with its own SHA-256 and names that of the record before it, so nobody can
//! change, remove or insert one without breaking the chain at that place. A record is on the disk (`fsync`) before
//! [`Log::append`] returns, and callers answer after that: what was answered stands in the log.
//!
//! A write takes two records: *begun* before the store is asked, and what was *answered*. A crash between the two
//! leaves the first, and the next start names it as interrupted, so that no effect is without a trace.
//!
//! **What the chain alone cannot show.** Whoever may write the file can cut off its end, or rewrite everything from
//! some record on with new hashes: what remains is a good chain. Both are found by an [`Anchor`], a record's number and
//! hash kept where that person cannot write. Every answer to a write carries one to the client (header
//! [`RECEIPT_HEADER`]), and the metric `platform_api_audit_records` carries the number to whoever scrapes it.
//! Records after the last known anchor are protected by the file's permissions only. A log whose beginning was put away
//! needs the anchor of the record before its first.
//!
//! No record holds a token, a key or a claim's body: [`Event`] has no room for them.

mod chain;
mod command;
mod error;
mod files;
mod log;
mod record;
mod recover;
mod verify;

#[cfg(test)]
mod tests;

pub use chain::{Anchor, Hash, Head};
pub use command::Verify;
pub use error::AuditError;
pub use log::{Log, Settings};
pub use record::{Decision, Event, Outcome, Start};
pub use verify::{Break, Broken, Verified, verify};

/// The header of an answer that carries the anchor of its record, as `SEQ:HASH`.
pub const RECEIPT_HEADER: &str = "slipway-audit";
