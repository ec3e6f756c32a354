//! The rules that core checks, by the numbers of the protocol's description.

mod plan;
mod replacement;
mod result;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use plan::check_plan;
pub(crate) use replacement::replaced;
pub(crate) use result::{check_agreement, check_result};

/// A rule of the protocol that a provider can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// An attribute has one type, plain or nested.
    C2,
    /// There is a provider schema.
    C6,
    /// The plan made at apply agrees with the first one.
    C9,
    /// What is configured is planned so, or as it was before.
    C11,
    /// What is neither configured nor computed is planned null.
    C12,
    /// Objects of nested attributes are those of the configuration.
    C15,
    /// Blocks are those of the configuration.
    C16,
    /// Write-only values are null everywhere outside of a configuration.
    C17,
    /// Paths that need a replacement exist.
    C18,
    /// A destroy is planned as null.
    C20,
    /// What was known in the plan is the same in the new state.
    C21,
    /// Nothing is unknown in a new state.
    C22,
    /// A create or update yields an object, a delete none.
    C23,
    /// An answer has the form of the schema.
    C24,
    /// A read object is wholly known.
    C30,
    /// Data read keeps what is configured, and is known.
    C34,
    /// An import yields one object of the right type.
    C35,
    /// A move yields an object.
    C37,
    /// A state of today's version is upgraded to itself.
    C38,
    /// Identities are known and stay.
    Identity,
    /// An action ends exactly once, with `completed`.
    Action,
    /// Every event of a list has an identity or is only a message; there are no more than asked for.
    List,
    /// A plan right after apply is empty.
    G19,
    /// Trouble is told through diagnostics, not as a status of the transport.
    W14,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A rule that was broken, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {path}{}{what}", if path.is_empty() { "" } else { " " })]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// The attribute, written like `pools["a"].plan`; empty for the whole object.
    pub path: String,
    /// What was done to it.
    pub what: String,
}

impl Broken {
    pub(crate) fn new(rule: Rule, path: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            rule,
            path: path.into(),
            what: what.into(),
        }
    }
}

impl From<tonic::Status> for Broken {
    fn from(status: tonic::Status) -> Self {
        Self::new(Rule::W14, "", format!("the call failed with {status}"))
    }
}
