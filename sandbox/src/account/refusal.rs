//! Answers other than success: the vendor's status and its exact words.

use std::borrow::Cow;

/// A call that the account refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {text}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The vendor's words, which clients match on.
    pub text: Cow<'static, str>,
}

impl Refusal {
    /// A refusal with this status and these words.
    pub(crate) fn new(status: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }

    /// 400 with these words.
    pub(crate) fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, text)
    }
}
