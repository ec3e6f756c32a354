//! Environment claims over REST: identity by OIDC, rights by Cedar, truth in the claim store.
//!
//! - [`settings`]: what the program is told; [`app`]: what its handlers share; [`serve`]: how it starts and stops.
//! - [`routes`]: one file for each thing a caller can do; [`requests`] and [`problem`]: what all answers have in common.
//! - [`view`]: every environment in memory, kept by [`sweeper`]; [`environment`]: one of them.
//! - [`writes`]: how a claim is changed, in one order for everybody.
//! - [`identity`] and [`policy`]: who somebody is, and where the rules come from that say what they may do.
//! - [`console`]: the page for people; [`searching`]: the index kept up to date; [`gitlab`]: merge requests.
//! - [`audit`], [`idempotency`], [`limits`], [`metrics`], [`traces`]: what every request passes, whatever it asks for.

#![forbid(unsafe_code)]

pub mod answers;
pub mod app;
pub mod audit;
pub mod caller;
pub mod commands;
pub mod console;
pub mod environment;
pub mod estimate;
pub mod gitlab;
pub mod idempotency;
pub mod identity;
pub mod limits;
pub mod metrics;
pub mod openapi;
pub mod policy;
pub mod problem;
pub mod requests;
pub mod rights;
pub mod routes;
pub mod searching;
pub mod serve;
pub mod settings;
pub mod stored;
pub mod sweeper;
pub mod traces;
pub mod view;
pub mod writes;
