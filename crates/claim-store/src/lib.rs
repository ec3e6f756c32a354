//! Environment claims in an S3 bucket.
//!
//! The bucket is the truth and has many writers, none of whom holds a lock: every write says what it expects to find,
//! and the server refuses it if somebody was faster. Taking a claim back is such a write too: a [`claims::Tombstone`]
//! is put in its place, which readers treat as absent. This crate never calls DELETE on a claim, because not every
//! server makes DELETE conditional, and a blind one could remove a newer claim of somebody else.
//!
//! - [`ClaimStore`]: read, create, replace, withdraw, list, sweep. [`StaticClaims`]: the same bucket of another writer,
//!   to be read only.
//! - [`Ledger`]: which object has which environment, and what has changed since the last complete look.
//! - [`Statuses`]: what the controller says about environments.
//! - [`Freeze`]: no new claims while the environments are drained.
//! - [`Abilities`]: whether the server keeps the promises that all this rests on.

#![forbid(unsafe_code)]

mod absence;
mod answer;
mod changes;
mod connect;
mod error;
mod freeze;
mod history;
mod identity;
mod ledger;
mod pages;
mod probe;
mod read;
mod settings;
mod static_claims;
mod statuses;
mod store;
mod sweep;
mod write;

pub use absence::Absence;
pub use changes::{Changes, Refusal, Refused, Vanished};
pub use error::{StoreError, Winner};
pub use freeze::Freeze;
pub use history::Earlier;
pub use ledger::Ledger;
pub use pages::Entry;
pub use probe::{Abilities, Promise};
pub use settings::{Limits, Settings};
pub use static_claims::StaticClaims;
pub use statuses::{KnownStatuses, Statuses};
pub use store::{ClaimStore, ETag, Place, Stored};
pub use sweep::{Sweep, Unreadable};
