//! A value that is not what was asked for, and where it stands.

use crate::path::AttributePath;

/// A value that cannot be read, written or used, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ValueError {
    path: AttributePath,
    problem: Problem,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Another type was expected.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What was asked for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A value is needed here.
    #[error("a value is required, found null")]
    Null,
    /// The value must be known here.
    #[error("the value is not known yet")]
    Unknown,
    /// The schema has no attribute of this name.
    #[error("the schema has no attribute {0:?}")]
    NoSuchAttribute(String),
    /// An attribute is not there at all.
    #[error("attribute {0:?} is missing")]
    Missing(String),
    /// A number does not fit the Rust type that was asked for.
    #[error("{number} does not fit {target}")]
    OutOfRange {
        /// The number.
        number: String,
        /// The Rust type.
        target: &'static str,
    },
    /// The bytes are not the encoding they should be.
    #[error("malformed {format}: {cause}")]
    Malformed {
        /// The encoding.
        format: &'static str,
        /// What the reader says.
        cause: String,
    },
    /// Whatever else; the text says it.
    #[error("{0}")]
    Other(String),
}

impl ValueError {
    /// A problem at a place.
    #[must_use]
    pub fn new(path: impl Into<AttributePath>, problem: Problem) -> Self {
        Self {
            path: path.into(),
            problem,
        }
    }

    /// A problem in words at a place.
    #[must_use]
    pub fn other(path: impl Into<AttributePath>, text: impl Into<String>) -> Self {
        Self::new(path, Problem::Other(text.into()))
    }

    /// Another type was expected than the one found.
    #[must_use]
    pub fn wrong_type(
        path: impl Into<AttributePath>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::new(
            path,
            Problem::WrongType {
                expected: expected.into(),
                found: found.into(),
            },
        )
    }

    /// Where the value stands.
    #[must_use]
    pub fn path(&self) -> &AttributePath {
        &self.path
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}
