//! What a bootstrap run is asked for and what it says.
//!
//! The provider and `slipway-bootstrap` are two processes that must agree on every byte between them, so both link
//! this crate: the [`Request`] on stdin, the [`Event`]s on stdout, the [`Outcome`] behind the exit code, the
//! [`JournalRecord`] in the cluster, the [`Catalog`] of components and the digests that decide what runs.
//! It does no I/O and asks no clock.

#![forbid(unsafe_code)]

pub mod bundle;
pub mod canonical;
pub mod catalog;
pub mod digest;
pub mod event;
pub mod event_stream;
pub mod graph;
pub mod journal;
pub mod outcome;
pub mod request;
pub mod values;

pub use bundle::Bundle;
pub use catalog::{Catalog, CatalogError, Chart, Component};
pub use digest::{Digests, Reason, Wanted};
pub use event::{Envelope, Event, Planned};
pub use event_stream::{EventReader, EventStreamError, EventWriter, Line};
pub use graph::Chain;
pub use journal::{JournalError, JournalRecord};
pub use outcome::{ComponentStatus, Failure, Outcome, Progress, TaskStatus};
pub use request::{
    ComponentRequest, Connection, Fault, Host, Platform, Request, RequestError, Size,
};
pub use values::{Values, ValuesError};

/// Version of the request and of the events; a reader refuses any other.
pub const PROTOCOL_VERSION: u32 = 1;
