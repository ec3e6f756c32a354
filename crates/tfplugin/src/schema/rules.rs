//! How an attribute behaves in a plan.

use std::collections::BTreeSet;
use std::fmt;

use crate::value::Value;

/// When the plan of an update shows a computed attribute as `(known after apply)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Computation {
    /// Never: once known it stays, unless the plan hook changes it.
    Keep,
    /// When one of these top-level attributes changes.
    From(BTreeSet<String>),
    /// When anything changes.
    OnEveryChange,
}

/// When a changed attribute needs a new object.
#[derive(Clone, Copy)]
pub(crate) enum Replacement {
    /// Never: it can be changed in place.
    Never,
    /// Always.
    OnChange,
    /// If this says so of the prior and the planned value.
    If(fn(&Value, &Value) -> bool),
}

impl Replacement {
    /// True if going from prior to planned, which differ, needs a new object.
    pub(crate) fn needed(self, prior: &Value, planned: &Value) -> bool {
        match self {
            Self::Never => false,
            Self::OnChange => true,
            Self::If(decide) => decide(prior, planned),
        }
    }
}

impl fmt::Debug for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "Never",
            Self::OnChange => "OnChange",
            Self::If(_) => "If",
        })
    }
}

/// Says whether two values mean the same.
#[derive(Clone, Copy)]
pub(crate) struct SameMeaning(pub(crate) fn(&Value, &Value) -> bool);
