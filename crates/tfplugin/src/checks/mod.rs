//! What core checks, checked here first: of configurations before a resource sees them, of plans and states before they
//! leave. A state that core refuses is lost, so states are brought into a form that it accepts.

mod config;
mod outgoing;
mod plan;
mod replacement;
mod result;

pub(crate) use config::{check_config, check_write_only_allowed};
pub(crate) use outgoing::conform;
pub(crate) use plan::check_plan;
pub(crate) use replacement::check_replacement;
pub(crate) use result::check_result;

#[cfg(test)]
mod tests;
