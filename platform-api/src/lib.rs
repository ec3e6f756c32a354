//! Environment claims over REST: identity by OIDC, rights by Cedar, truth in the claim store.
//!
//! - [`settings`]: what the program is told; [`app`]: what its handlers share; [`serve`]: how it starts and stops.
//! - [`routes`]: one file for each thing a caller can do; [`requests`] and [`problem`]: what all answers have in common.
//! - [`view`]: every environment in memory, kept by [`sweeper`]; [`environment`]: one of them.
//! - [`writes`]: how a claim is changed, in one order for everybody.
//! - [`audit`], [`idempotency`], [`limits`], [`metrics`], [`traces`]: what every request passes, whatever it asks for.

#![forbid(unsafe_code)]

pub mod audit;
pub mod environment;
pub mod idempotency;
pub mod limits;
pub mod metrics;
pub mod problem;
pub mod requests;
pub mod traces;
pub mod view;
