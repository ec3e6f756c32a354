//! What would happen, without anything happening.

use crate::app::App;
use crate::environment::claim_value;
use crate::estimate::Estimate;
use crate::rights::policies;
use crate::writes::{Remark, remarks};
use authz::{Action, Verdict};
use claims::Claim;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What a request would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trial {
    /// Always true: nothing was changed.
    pub dry_run: bool,
    /// What it would do.
    pub action: String,
    /// Whether it would be allowed.
    pub verdict: TrialVerdict,
    /// The claim as it would stand in the store.
    #[schema(value_type = Object)]
    pub claim: Value,
    /// What a careful reader would ask about.
    pub warnings: Vec<Remark>,
    /// What the environment is made of.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// Whether something would be allowed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TrialVerdict {
    /// Whether it would.
    pub allowed: bool,
    /// The policies that decide.
    pub policies: Vec<String>,
    /// The same in a sentence.
    pub because: String,
}

impl App {
    /// What an action on a claim would do.
    #[must_use]
    pub fn trial(&self, action: Action, verdict: &Verdict, claim: &Claim) -> Trial {
        Trial {
            dry_run: true,
            action: action.to_string(),
            verdict: TrialVerdict::from(verdict),
            claim: claim_value(claim),
            warnings: remarks(claim),
            estimate: self.estimates.of(claim),
        }
    }
}

impl From<&Verdict> for TrialVerdict {
    fn from(verdict: &Verdict) -> Self {
        Self {
            allowed: verdict.allowed,
            policies: policies(verdict),
            because: verdict.to_string(),
        }
    }
}
