//! Environments in Elasticsearch or OpenSearch: an index that can be lost and rebuilt.
//!
//! The buckets hold the truth. This crate keeps a copy of it that can be searched, and says how the copy follows:
//! whatever the order in which writers send what they saw, every environment ends as its newest state ([`Version`]).
//! Nothing here may hold up a write to the truth: each call ends within its [`Limits`], and its error says that only the
//! search is concerned.
//!
//! - [`Document`]: an environment as it is found; [`Version`]: which of two states is the newer.
//! - [`Index`]: the engine, six calls of it: template, aliases, bulk, search, count, health.
//! - [`Query`]: the language of `q`; [`Filter`]: what of it may be seen.
//!   Both are also plain predicates on documents, so that a list can be made without the engine, with the same result.

#![forbid(unsafe_code)]

mod bulk;
mod document;
mod error;
mod filter;
mod find;
mod index;
mod language;
mod mapping;
mod pattern;
mod query;
mod rebuild;
mod settings;
mod version;
mod wire;

pub use bulk::Put;
pub use document::{Document, ServiceState};
pub use error::{QueryError, SearchError};
pub use filter::{Class, Filter, Owner};
pub use find::Page;
pub use index::{Engine, Health, Index};
pub use query::Query;
pub use rebuild::Rebuilt;
pub use settings::{Access, Limits, Settings};
pub use version::{Sighting, Version};
