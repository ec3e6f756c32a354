//! Ownership marks: how an object in the account says whose it is.

use std::fmt;

const OWNER: &str = "slipway";
const CREATING: &str = " (creating)";

/// The mark of one owner, `slipway:<id>`. What carries it exactly is the owner's; nothing else is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark(String);

/// How far the creation of a marked object got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The owner is still being made; the object may be adopted by who makes it.
    Creating,
    /// The owner was made to the end.
    Finished,
}

/// An id that cannot be part of a mark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "SLW-218: `{id}` cannot be an owner's id: it must match [a-z][a-z0-9-]{{1,30}}[a-z0-9], so that its mark can be told from every other"
)]
pub struct InvalidMark {
    /// The id.
    pub id: String,
}

impl Mark {
    /// The mark of an owner. The id may hold no colon and no space, so one mark is never the beginning of another's role.
    pub fn new(id: &str) -> Result<Self, InvalidMark> {
        if is_id(id) {
            Ok(Self(format!("{OWNER}:{id}")))
        } else {
            Err(InvalidMark { id: id.to_owned() })
        }
    }

    /// The mark of a finished owner.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The owner's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0[OWNER.len() + 1..]
    }

    /// The mark while the owner is being made.
    #[must_use]
    pub fn creating(&self) -> String {
        format!("{}{CREATING}", self.0)
    }

    /// The mark of a part of the owner that has a role, as `slipway:<id>:bootstrap`.
    #[must_use]
    pub fn role(&self, role: &str) -> String {
        format!("{}:{role}", self.0)
    }

    /// Whether a text is this mark, and in which phase.
    #[must_use]
    pub fn phase_of(&self, text: &str) -> Option<Phase> {
        match text.strip_prefix(&self.0)? {
            "" => Some(Phase::Finished),
            CREATING => Some(Phase::Creating),
            _ => None,
        }
    }

    /// Whether a text is this mark in any phase, or that of one of its roles.
    #[must_use]
    pub fn owns(&self, text: &str) -> bool {
        self.phase_of(text).is_some()
            || text
                .strip_prefix(&self.0)
                .is_some_and(|rest| rest.starts_with(':'))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_id(id: &str) -> bool {
    let body = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = id.as_bytes();
    (3..=32).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().copied().is_some_and(body)
        && bytes.iter().all(|&byte| body(byte) || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_mark_is_ours() {
        let mark = Mark::new("acme").unwrap();
        assert_eq!(mark.id(), "acme");
        assert_eq!(mark.phase_of("slipway:acme"), Some(Phase::Finished));
        assert_eq!(mark.phase_of(&mark.creating()), Some(Phase::Creating));
        for foreign in [
            "slipway:acme2",
            "slipway:acme-2",
            "slipway:acm",
            "slipway:acme ",
            "slipway:acme (creating) ",
            "Slipway:acme",
            "acme",
            "",
        ] {
            assert_eq!(mark.phase_of(foreign), None, "{foreign}");
            assert!(!mark.owns(foreign), "{foreign}");
        }
        assert!(mark.owns("slipway:acme:bootstrap"));
        assert_eq!(mark.phase_of("slipway:acme:bootstrap"), None);
        assert_eq!(mark.role("bootstrap"), "slipway:acme:bootstrap");
    }

    #[test]
    fn an_id_that_could_blur_marks_is_refused() {
        for id in [
            "",
            "ab",
            "1abc",
            "abc-",
            "a b",
            "a:b",
            "Acme",
            "acme (creating)",
            &"a".repeat(33),
        ] {
            assert!(Mark::new(id).is_err(), "{id}");
        }
        assert!(Mark::new("abc").is_ok());
        assert!(Mark::new(&"a".repeat(32)).is_ok());
    }
}
