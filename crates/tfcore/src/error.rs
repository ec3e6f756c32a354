//! Why core cannot go on.

use crate::diagnostic::Diagnostic;
use crate::handshake::StartError;
use crate::rules::Broken;

/// Why an operation did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The provider cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The provider broke rules of the protocol.
    #[error("the provider broke rules: {}", joined(.0))]
    Broken(Vec<Broken>),
    /// The provider said no, in an orderly way.
    #[error("the provider says {}", joined(.0))]
    Refused(Vec<Diagnostic>),
    /// An import found nothing.
    #[error("cannot import non-existent remote object {0:?}")]
    NothingToImport(String),
    /// The provider offers no such type.
    #[error("the provider has no {0:?}")]
    UnknownType(String),
    /// The configuration or state does not have the form of the schema: the caller's fault, not the provider's.
    #[error("does not fit the schema: {0}")]
    Misfit(#[from] tfplugin::ValueError),
}

impl CoreError {
    /// The rules that were broken, if that is what it is.
    #[must_use]
    pub fn broken(&self) -> &[Broken] {
        match self {
            Self::Broken(broken) => broken,
            _ => &[],
        }
    }

    /// What the provider said, if it refused.
    #[must_use]
    pub fn refused(&self) -> &[Diagnostic] {
        match self {
            Self::Refused(diagnostics) => diagnostics,
            _ => &[],
        }
    }
}

impl From<Broken> for CoreError {
    fn from(broken: Broken) -> Self {
        Self::Broken(vec![broken])
    }
}

fn joined<T: ToString>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// The warnings of an answer, or its errors.
pub(crate) fn accepted(diagnostics: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, CoreError> {
    if diagnostics.iter().any(Diagnostic::is_error) {
        Err(CoreError::Refused(diagnostics))
    } else {
        Ok(diagnostics)
    }
}

/// Nothing, or the rules that were broken.
pub(crate) fn unbroken(broken: Vec<Broken>) -> Result<(), CoreError> {
    if broken.is_empty() {
        Ok(())
    } else {
        Err(CoreError::Broken(broken))
    }
}
