#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod apply;
mod config;
mod data;
mod diagnostic;
mod error;
mod handshake;
mod instance;
mod migrate;
mod plan;
mod proposed;
mod rules;
mod running;
mod schema;
mod stream;
mod values;
mod wire;

pub use apply::Applied;
pub use config::Config;
pub use diagnostic::{Diagnostic, Severity};
pub use error::CoreError;
pub use handshake::StartError;
pub use instance::Instance;
pub use migrate::{ImportBy, Source};
pub use plan::{Change, Planned};
pub use rules::{Broken, Rule};
pub use running::{Core, Features};
pub use stream::{Found, Invoked, Listing};
