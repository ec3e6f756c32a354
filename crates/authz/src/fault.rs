//! Why a set of policies is refused.

use std::fmt;

/// A set of policies that is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SLW-578: {} in the policies, so the whole set is refused: {}", count(.faults.len()), list(.faults))]
pub struct PolicyError {
    /// Everything that is wrong, at once.
    pub faults: Vec<PolicyFault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct PolicyFault {
    /// The file or name of the policy; `data` for the entities.
    pub at: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl PolicyFault {
    pub(crate) fn new(at: &str, message: impl fmt::Display) -> Self {
        Self {
            at: at.to_owned(),
            message: message.to_string(),
        }
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

fn count(faults: usize) -> String {
    if faults == 1 {
        "1 fault".to_owned()
    } else {
        format!("{faults} faults")
    }
}

fn list(faults: &[PolicyFault]) -> String {
    faults
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
