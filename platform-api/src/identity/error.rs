//! Why somebody is not recognised.

use crate::problem::Problem;
use axum::http::StatusCode;

/// Why a token is not believed. No message repeats the token or its claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// What was sent is no signed token.
    #[error(
        "SLW-570: the bearer token is not a signed JWT ({why}); get a token from the identity provider and send it unchanged"
    )]
    Malformed {
        /// What is wrong with its form.
        why: String,
    },
    /// A token that is not for us, not for now, or not signed by whom it says.
    #[error("SLW-571: the bearer token is refused: {why}; sign in again and use the new token")]
    Refused {
        /// What is wrong with it.
        why: String,
    },
    /// A good token of somebody for whom the settings have no place.
    #[error(
        "SLW-572: the token is good, but {why}; ask an administrator to admit you in the settings of the platform API"
    )]
    Unknown {
        /// What the settings lack.
        why: String,
    },
    /// The keys cannot be had, so no token can be judged.
    #[error(
        "SLW-573: tokens of {issuer} cannot be checked: {why}; try again when the identity provider answers"
    )]
    IssuerDown {
        /// The issuer.
        issuer: String,
        /// Why its keys cannot be had.
        why: String,
    },
}

impl IdentityError {
    /// Whether the failure is ours and the same token may be good later.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::IssuerDown { .. })
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed { .. } | Self::Refused { .. } => StatusCode::UNAUTHORIZED,
            Self::Unknown { .. } => StatusCode::FORBIDDEN,
            Self::IssuerDown { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused { why: why.into() }
    }
}

impl From<IdentityError> for Box<Problem> {
    fn from(error: IdentityError) -> Self {
        let title = match &error {
            IdentityError::Malformed { .. } => "Not a token",
            IdentityError::Refused { .. } => "Token refused",
            IdentityError::Unknown { .. } => "Not admitted",
            IdentityError::IssuerDown { .. } => "Identity provider is not available",
        };
        let problem = Problem::from_text(error.status(), title, &error.to_string());
        if error.is_unavailable() {
            problem.retry_after(10)
        } else {
            problem
        }
    }
}
