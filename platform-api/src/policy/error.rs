//! Why there are no policies.

use crate::problem::Problem;
use authz::PolicyError;
use axum::http::StatusCode;
use jiff::Timestamp;
use std::path::PathBuf;

/// No policies are in force, so nothing can be decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyUnavailable {
    /// No valid set has come yet.
    #[error(
        "SLW-579: no valid set of policies has been loaded: {why}; see the state of the policy feed"
    )]
    Never {
        /// What is missing.
        why: String,
    },
    /// The feed has been silent for too long.
    #[error(
        "SLW-580: the policies were last confirmed at {heard}, longer ago than they may be in force; see whether OPAL runs and reaches this service"
    )]
    Silent {
        /// When the feed was last heard.
        heard: Timestamp,
    },
}

/// Policies that cannot be loaded at the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("SLW-581: {file} cannot be read: {why}; correct the policy settings", file = .file.display())]
    Unreadable {
        /// The file or folder.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// They are refused.
    #[error(transparent)]
    Refused(#[from] PolicyError),
}

impl From<PolicyUnavailable> for Box<Problem> {
    fn from(error: PolicyUnavailable) -> Self {
        let text = error.to_string();
        Problem::from_text(
            StatusCode::SERVICE_UNAVAILABLE,
            "Policies are not available",
            &text,
        )
        .retry_after(5)
    }
}
