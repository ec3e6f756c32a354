//! What is wrong with a claim: every fault at once, each with its place.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer to the place, for example `/services/user-service`; empty for the whole document.
    pub pointer: String,
    /// What sort of fault it is.
    pub kind: FaultKind,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Sorts of faults. A caller that does not know all fields yet may pass over [`FaultKind::Missing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A field that every claim has is not there.
    Missing,
    /// A field that no claim has is there.
    Unknown,
    /// A field has a value that cannot be.
    Invalid,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() {
            "the claim"
        } else {
            &self.pointer
        };
        write!(f, "{place}: {}", self.message)
    }
}

/// Every fault of one claim; never empty when returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("SLW-410: the claim is refused: {}", self.list())]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// The faults in one line.
    #[must_use]
    pub fn list(&self) -> String {
        let told: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        told.join("; ")
    }

    /// The fault of a document that is larger than a claim can be.
    #[must_use]
    pub fn too_large(most: usize) -> Self {
        Self::one("", format!("has more than {most} bytes"))
    }

    pub(crate) fn one(pointer: &str, message: String) -> Self {
        let mut faults = Self::default();
        faults.add(pointer, FaultKind::Invalid, message);
        faults
    }

    pub(crate) fn add(&mut self, pointer: &str, kind: FaultKind, message: String) {
        self.0.push(Fault {
            pointer: pointer.to_owned(),
            kind,
            message,
        });
    }

    /// `value` if there is nothing wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

/// `parent/key`, with the key escaped as RFC 6901 wants it.
pub(crate) fn pointer(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// ` (did you mean …?)` with the nearest of the allowed words, or nothing when none is near.
pub(crate) fn nearest(word: &str, allowed: &[&str]) -> String {
    allowed
        .iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), candidate),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| format!(" (did you mean `{candidate}`?)"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_escaped() {
        assert_eq!(pointer("/services", "a/b~c"), "/services/a~1b~0c");
    }

    #[test]
    fn only_near_words_are_proposed() {
        assert_eq!(nearest("prd", &["dev", "prod"]), " (did you mean `prod`?)");
        assert_eq!(nearest("DEV", &["dev", "prod"]), " (did you mean `dev`?)");
        assert_eq!(nearest("production", &["dev", "prod"]), "");
    }
}
