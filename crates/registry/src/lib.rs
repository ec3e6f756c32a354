//! Tags and digests from an OCI registry, and the pin of a service's two artifacts.
//!
//! - [`Registry`]: complete listings of tags, cached and fetched once however many ask; digests of single tags.
//! - [`Registry::pin`]: from a constraint to one tag that both artifacts of a service have, by digest.
//!
//! An incomplete listing is an error and decides nothing: a tag that was not seen is not a tag that is gone.

#![forbid(unsafe_code)]

mod answer;
mod challenge;
mod client;
mod error;
mod listing;
mod paging;
mod pin;
mod settings;

pub use claims::{Digest, Lock};
pub use client::Registry;
pub use error::RegistryError;
pub use pin::Artifacts;
pub use settings::{Clock, Credentials, Settings};
