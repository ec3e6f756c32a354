//! Ownership marks: what Slipway writes on every object it makes, and by which alone it adopts and deletes.
//!
//! While a platform is being created its VPC says `slipway:<id> (creating) <incarnation>`. The incarnation is
//! renewed by every create that takes the platform over, so the destroy of an older, abandoned instance in
//! Terraform's state can see that the objects are no longer its own.

use std::fmt;

use thiserror::Error;
use uuid::Uuid;

const PREFIX: &str = "slipway:";
const CREATING: &str = "(creating)";
const HOST_SUFFIX: &str = ":bootstrap";

/// Shortest and longest platform name.
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 3..=32;

/// A platform's id, which is its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PlatformId(String);

/// Why a text is no platform name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not 3 to 32 lower-case letters, digits and hyphens, starting with a letter and ending with a letter or digit"
)]
pub(crate) struct BadName(String);

impl PlatformId {
    /// Reads a name, `[a-z][a-z0-9-]{1,30}[a-z0-9]`.
    pub(crate) fn parse(text: &str) -> Result<Self, BadName> {
        let bytes = text.as_bytes();
        let inner_ok = bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
        let ends_ok = bytes.first().is_some_and(u8::is_ascii_lowercase)
            && bytes.last().is_some_and(|b| *b != b'-');
        if NAME_LENGTH.contains(&bytes.len()) && inner_ok && ends_ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName(text.to_owned()))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The mark on clusters, pools and finished VPCs.
    pub(crate) fn mark(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    /// The mark on the VPC of a platform that is being created.
    pub(crate) fn creating_mark(&self, incarnation: &Incarnation) -> String {
        format!("{PREFIX}{} {CREATING} {incarnation}", self.0)
    }

    /// The mark on what is being created and knows no incarnation: a new VPC for a moment, a node pool.
    pub(crate) fn bare_creating_mark(&self) -> String {
        format!("{PREFIX}{} {CREATING}", self.0)
    }

    /// The label of the bootstrap host.
    pub(crate) fn host_label(&self) -> String {
        format!("{PREFIX}{}{HOST_SUFFIX}", self.0)
    }

    /// The tags of the bootstrap host.
    pub(crate) fn host_tags(&self) -> Vec<String> {
        vec![self.mark(), "slipway-role:bootstrap".to_owned()]
    }
}

impl fmt::Display for PlatformId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which create made or took over a platform that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incarnation(String);

impl Incarnation {
    /// The first eight digits of a random id say enough: the mark also holds the platform's name.
    pub(crate) fn from_id(id: Uuid) -> Self {
        Self(id.simple().to_string()[..8].to_owned())
    }

    /// An incarnation as state holds it.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a description, label or tag says about its object's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Belongs to a finished platform.
    Finished(PlatformId),
    /// Belongs to a platform that is being created, by the incarnation named, if one is.
    Creating(PlatformId, Option<Incarnation>),
}

impl Mark {
    /// Reads a mark; anything else is somebody else's object.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let Some((name, state)) = rest.split_once(' ') else {
            return PlatformId::parse(rest).ok().map(Self::Finished);
        };
        let id = PlatformId::parse(name).ok()?;
        let incarnation = state.strip_prefix(CREATING)?.trim();
        Some(Self::Creating(
            id,
            (!incarnation.is_empty()).then(|| Incarnation::stored(incarnation)),
        ))
    }

    pub(crate) fn platform(&self) -> &PlatformId {
        match self {
            Self::Finished(id) | Self::Creating(id, _) => id,
        }
    }
}

/// Whose object a text tells, whatever role or state the mark names. For looking only: what is adopted or deleted goes by
/// exact marks.
pub(crate) fn owner_of(text: &str) -> Option<PlatformId> {
    let rest = text.strip_prefix(PREFIX)?;
    let end = rest.find([':', ' ']).unwrap_or(rest.len());
    let (name, more) = rest.split_at(end);
    let is_role = |role: &str| {
        !role.is_empty()
            && role
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_mark =
        more.is_empty() || more.strip_prefix(':').is_some_and(is_role) || more.starts_with(" (");
    is_mark.then(|| PlatformId::parse(name).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: &str = "[a-z][a-z0-9-]{1,30}[a-z0-9]";

    /// Every text that Slipway writes for a platform.
    fn marks_of(id: &PlatformId) -> [String; 6] {
        let run = Incarnation::stored("7f3a2c91");
        [
            id.mark(),
            id.creating_mark(&run),
            id.bare_creating_mark(),
            id.host_label(),
            format!("{} (upgrading v1.36.5+1)", id.mark()),
            id.host_tags()[0].clone(),
        ]
    }

    proptest! {
        #[test]
        fn a_mark_tells_its_owner_and_nobody_else(name in NAMES, other in NAMES, more in "[a-z0-9]{1,3}") {
            let ours = id(&name);
            for mark in marks_of(&ours) {
                prop_assert_eq!(owner_of(&mark), Some(ours.clone()), "{}", mark);
            }
            // Names that only begin or end alike are the dangerous ones.
            for near in [other, format!("{name}{more}"), format!("{name}-{more}"), format!("x{name}")] {
                let Ok(near) = PlatformId::parse(&near) else { continue };
                prop_assume!(near != ours);
                for mark in marks_of(&near) {
                    prop_assert_ne!(owner_of(&mark), Some(ours.clone()), "{}", mark);
                    prop_assert_ne!(Mark::read(&mark).map(|mark| mark.platform().clone()), Some(ours.clone()));
                }
            }
        }

        #[test]
        fn whatever_people_write_is_ours_only_with_the_exact_mark(name in NAMES, text in ".{0,40}") {
            let ours = id(&name);
            for text in [text.clone(), format!("{text}{}", ours.mark()), format!("{}{text}", ours.mark()), name.clone()] {
                let told = owner_of(&text) == Some(ours.clone());
                let rest = text.strip_prefix(&ours.mark());
                let exact = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':') || rest.starts_with(" ("));
                prop_assert!(!told || exact, "{text}");
                // What would be adopted or deleted is a part of what is looked at.
                let adopted = Mark::read(&text).is_some_and(|mark| *mark.platform() == ours);
                prop_assert!(!adopted || told, "{text}");
            }
        }
    }

    fn id(name: &str) -> PlatformId {
        PlatformId::parse(name).unwrap()
    }

    #[test]
    fn names_follow_the_grammar() {
        for good in ["abc", "a-b", "acme-2", &"a".repeat(32)] {
            assert!(PlatformId::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "Acme",
            "1ab",
            "-ab",
            "ab-",
            "a_b",
            "a b",
            &"a".repeat(33),
        ] {
            assert!(PlatformId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_mark_reads_back() {
        let run = Incarnation::stored("7f3a2c91");
        assert_eq!(
            Mark::read(&id("acme").mark()),
            Some(Mark::Finished(id("acme")))
        );
        assert_eq!(
            Mark::read(&id("acme").creating_mark(&run)),
            Some(Mark::Creating(id("acme"), Some(run)))
        );
        assert_eq!(
            Mark::read(&id("acme").bare_creating_mark()),
            Some(Mark::Creating(id("acme"), None))
        );
    }

    #[test]
    fn foreign_texts_are_no_marks() {
        for text in [
            "",
            "acme",
            "slipway:",
            "slipway:acme (deleting)",
            "slipway:acme:bootstrap",
            "xslipway:acme",
        ] {
            assert_eq!(Mark::read(text), None, "{text}");
        }
    }
}
