//! What goes wrong on purpose: rules for single calls, and circumstances of the whole account.

pub(crate) mod glob;
mod order;
mod rules;

pub use order::{FaultOrder, HostFault};
pub(crate) use rules::{Action, Decision, Failure, Rules};
