//! Who may do what to which environment: Cedar policies, checked against our schema and decided in process.
//!
//! - [`Principal`], [`Action`], [`Resource`], [`Circumstances`]: who, what, to which object, how and when.
//! - [`PolicySet`]: policies and the teams and pools they speak of, valid as a whole or refused as a whole with every fault;
//!   [`PolicySet::decide`] answers one question, [`PolicySet::reader`] those of a list.
//! - [`Verdict`]: the answer and the policies that made it.
//! - [`FLOOR`] and [`DEFAULTS`]: what no policy can lift, and what is permitted where nobody has written policies.
//! - [`rights`]: every right as a table for people.
//!
//! No I/O, no clock but the one that is handed in. Whatever cannot be decided is denied.

#![forbid(unsafe_code)]

mod action;
mod circumstances;
mod directory;
mod evaluate;
mod fault;
mod floor;
mod grain;
mod policy_set;
mod principal;
mod question;
mod readable;
mod resource;
pub mod rights;
mod schema;
mod verdict;

pub use action::{Action, Group};
pub use circumstances::{Channel, Circumstances};
pub use fault::{PolicyError, PolicyFault};
pub use floor::{DEFAULTS, FLOOR, FLOOR_PREFIX};
pub use policy_set::{PolicySet, PolicySource, check_policy};
pub use principal::{AccountKind, Pipeline, Principal, Subject};
pub use question::Question;
pub use readable::Reader;
pub use resource::{Environment, Origin, Resource};
pub use schema::{schema_json, schema_text};
pub use verdict::{Deciding, Verdict};
