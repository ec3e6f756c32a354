//! Environment claims: what somebody asks for when they ask for an environment.
//!
//! One library reads claims wherever they come from, so that Terraform, the API, the bucket and the command line accept
//! and refuse the same things in the same words. It does no I/O and asks no clock.
//!
//! - [`Draft`] and [`Claim`]: the JSON, asked for and complete; [`Document`]: what an object in the bucket holds.
//! - [`EnvironmentType`] and its [`Profile`]: what each type of environment gets.
//! - [`claim_schema`]: the published JSON Schema.
//! - [`status::Status`]: what has become of a claim.
//! - [`Constraint`], [`Version`] and [`resolve`]: which version of a service is meant; [`Lock`]: which one it was.
//! - [`Expiry`]: when an environment ends.

#![forbid(unsafe_code)]

mod claim;
mod constraint;
mod document;
mod draft;
mod environment_type;
mod expiry;
mod fault;
mod fields;
mod json;
mod lock;
mod name;
mod read;
mod resolve;
mod schema;
mod service;
mod services;
pub mod status;
mod version;

pub use claim::{Claim, GitSource, Warning};
pub use constraint::{Bound, Constraint, ConstraintError, Operator, Pattern};
pub use document::{Document, Gone, Tombstone};
pub use draft::Draft;
pub use environment_type::{Autoscaling, EnvironmentType, PoolKind, Profile, SharedServices};
pub use expiry::{EndError, Expiry, LifetimeError, SUE_LIFETIME};
pub use fault::{Fault, FaultKind, Faults};
pub use lock::{Digest, Lock, Older};
pub use name::{EnvironmentName, NameError};
pub use resolve::{Resolution, ResolveError, resolve};
pub use schema::claim_schema;
pub use service::Service;
pub use services::Services;
pub use version::Version;
