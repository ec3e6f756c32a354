//! What a provider tells the user.

use std::fmt;

use crate::values::joined;
use crate::wire::tfplugin6 as pb;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation goes on.
    Warning,
}

/// One message of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning. A severity that the protocol does not know counts as an error.
    pub severity: Severity,
    /// One short line.
    pub summary: String,
    /// The rest.
    pub detail: String,
    /// The attribute it is about, written like `pools["a"].plan`; empty for the whole object.
    pub path: String,
}

impl Diagnostic {
    pub(crate) fn read(sent: Vec<pb::Diagnostic>) -> Vec<Self> {
        let read = |sent: pb::Diagnostic| Self {
            severity: match sent.severity() {
                pb::diagnostic::Severity::Warning => Severity::Warning,
                pb::diagnostic::Severity::Error | pb::diagnostic::Severity::Invalid => {
                    Severity::Error
                }
            },
            path: sent.attribute.as_ref().map(path).unwrap_or_default(),
            summary: sent.summary,
            detail: sent.detail,
        };
        sent.into_iter().map(read).collect()
    }

    /// True for an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}: {}", self.summary, self.detail)?;
        if !self.path.is_empty() {
            write!(f, " (at {})", self.path)?;
        }
        Ok(())
    }
}

/// A path as Terraform writes it.
pub(crate) fn path(path: &pb::AttributePath) -> String {
    use pb::attribute_path::step::Selector;
    let mut text = String::new();
    for step in path.steps.iter().filter_map(|step| step.selector.as_ref()) {
        text = match step {
            Selector::AttributeName(name) => joined(&text, name),
            Selector::ElementKeyString(key) => format!("{text}[{key:?}]"),
            Selector::ElementKeyInt(index) => format!("{text}[{index}]"),
        };
    }
    text
}
