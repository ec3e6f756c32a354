//! What a user is told: errors and warnings, with the attribute they are about.

use crate::path::AttributePath;
use crate::value::ValueError;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation goes on; a person should know.
    Warning,
}

/// One message. The summary is one short line that is the same for the same cause, without a period; what varies
/// belongs in the detail: what happened, to which object, why, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One short line.
    pub summary: String,
    /// The rest. Lines that begin with a space are shown unwrapped.
    pub detail: String,
    /// The attribute that caused it, if one did.
    pub path: Option<AttributePath>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Severity::Error, summary, detail)
    }

    /// A warning.
    #[must_use]
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Severity::Warning, summary, detail)
    }

    fn new(severity: Severity, summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity,
            summary: summary.into(),
            detail: detail.into(),
            path: None,
        }
    }

    /// Names the attribute it is about.
    #[must_use]
    pub fn at(mut self, path: impl Into<AttributePath>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// A fault of the provider itself, which the user can only report.
    #[must_use]
    pub fn bug(detail: impl AsRef<str>) -> Self {
        Self::error(
            "Provider bug",
            format!(
                "{}\n\nThis is a bug in the provider, please report it.",
                detail.as_ref()
            ),
        )
    }
}

/// All messages of one call, in order. As an error type it lets `?` carry every problem at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No messages.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds an error.
    pub fn error(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.push(Diagnostic::error(summary, detail));
    }

    /// Adds an error about an attribute.
    pub fn error_at(
        &mut self,
        path: impl Into<AttributePath>,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.push(Diagnostic::error(summary, detail).at(path));
    }

    /// Adds a warning.
    pub fn warning(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.push(Diagnostic::warning(summary, detail));
    }

    /// Takes over all messages of another call.
    pub fn append(&mut self, other: impl Into<Diagnostics>) {
        self.0.extend(other.into().0);
    }

    /// True if one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// True if there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The messages in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// `Err` with all messages if one of them is an error. Warnings alone are dropped, so use it where none were made.
    pub fn into_result(self) -> Result<(), Diagnostics> {
        if self.has_errors() { Err(self) } else { Ok(()) }
    }

    /// These messages, followed by the errors that ended the call.
    pub(crate) fn then(mut self, errors: Diagnostics) -> Self {
        self.append(errors);
        self
    }

    /// A failure without an error would be taken for success.
    pub(crate) fn of_failure(mut self) -> Self {
        if !self.has_errors() {
            self.push(Diagnostic::bug("The operation failed without saying why."));
        }
        self
    }

    /// The value of a result, its error added to these messages otherwise.
    pub fn collect<T, E: Into<Diagnostics>>(&mut self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.append(error);
                None
            }
        }
    }
}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, diagnostic) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            f.write_str(&diagnostic.summary)?;
            if let Some(path) = &diagnostic.path {
                write!(f, " (at {path})")?;
            }
            if !diagnostic.detail.is_empty() {
                write!(f, ": {}", diagnostic.detail)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl From<Vec<Diagnostic>> for Diagnostics {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self(diagnostics)
    }
}

impl From<ValueError> for Diagnostic {
    fn from(error: ValueError) -> Self {
        let path = error.path().clone();
        let diagnostic = Diagnostic::error("Invalid value", error.to_string());
        if path.is_root() {
            diagnostic
        } else {
            diagnostic.at(path)
        }
    }
}

impl From<ValueError> for Diagnostics {
    fn from(error: ValueError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        Self(diagnostics.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
