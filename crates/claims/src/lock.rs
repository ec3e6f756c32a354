//! What a constraint meant at one moment: one version of a service, both of its artifacts by digest.

use crate::constraint::Constraint;
use crate::version::Version;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};

/// Content address of a manifest: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest(String);

/// A version of a service that runs, or is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The constraint, as the claim has it.
    pub constraint: Constraint,
    /// The tag that was chosen.
    pub tag: String,
    /// Digest of the image's manifest.
    pub image: Digest,
    /// Digest of the Ansible artifact's manifest.
    pub ansible: Digest,
    /// How many tags were looked at.
    pub considered: usize,
    /// Why this tag.
    pub reason: String,
    /// Better tags that were passed over, with what they lack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// An older version than the one that runs, which nobody has asked for by name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "SLW-429: `{constraint}` means {found} now, which is older than {standing} that runs; nothing was changed, name \
     {found} itself to go back to it"
)]
pub struct Older {
    /// What was asked for.
    pub constraint: Box<Constraint>,
    /// The tag that it means now.
    pub found: String,
    /// The tag that runs.
    pub standing: String,
}

impl Digest {
    /// Reads a digest; `None` for anything but SHA-256.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let hexadecimal = text.strip_prefix("sha256:")?;
        let fits = hexadecimal.len() == 64
            && hexadecimal
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The digest of a manifest whose SHA-256 is known.
    #[must_use]
    pub fn of_sha256(hash: [u8; 32]) -> Self {
        let mut text = "sha256:".to_owned();
        for byte in hash {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::read(&text).ok_or_else(|| format!("{text:?} is no SHA-256 digest"))
    }
}

impl Lock {
    /// This lock in the place of the one that stands. A version never goes down by itself: a tag that vanished from the
    /// registry, or a bound that was lowered, is no wish for an older version. A tag that is named is one.
    pub fn after(self, standing: Option<&Self>) -> Result<Self, Older> {
        let Some(standing) = standing.filter(|standing| self.is_older_than(standing)) else {
            return Ok(self);
        };
        if self
            .constraint
            .own_tag()
            .is_some_and(|own| self.is_tagged(own))
        {
            return Ok(self);
        }
        Err(Older {
            constraint: Box::new(self.constraint),
            found: self.tag,
            standing: standing.tag.clone(),
        })
    }

    /// Tags that are no versions cannot be compared, so none is older.
    fn is_older_than(&self, other: &Self) -> bool {
        match (Version::parse(&self.tag), Version::parse(&other.tag)) {
            (Some(own), Some(other)) => own.precedence(&other).is_lt(),
            _ => false,
        }
    }

    /// Whether the tag is that one, or the same version in another spelling.
    fn is_tagged(&self, tag: &str) -> bool {
        let same_version = || {
            let (own, other) = (Version::parse(&self.tag)?, Version::parse(tag)?);
            Some(own.precedence(&other).is_eq())
        };
        self.tag == tag || same_version() == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::resolve;
    use crate::version::tests::any_version;
    use proptest::prelude::*;

    fn digest() -> Digest {
        let digest = Digest::of_sha256([10; 32]);
        assert_eq!(Digest::read(digest.as_str()).as_ref(), Some(&digest));
        digest
    }

    fn lock(constraint: &str, tags: &[&str]) -> Lock {
        let constraint: Constraint = constraint.parse().unwrap();
        let found = resolve(&constraint, tags).unwrap();
        Lock {
            constraint,
            tag: found.tag,
            image: digest(),
            ansible: digest(),
            considered: found.considered,
            reason: found.reason,
            passed_over: Vec::new(),
            at: "2026-05-01T12:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_lock_is_read_as_it_is_written_and_only_whole() {
        let lock = lock(">=1.2.0, <2.0.0", &["v1.2.3"]);
        let text = serde_json::to_string(&lock).unwrap();
        assert!(
            text.contains("\"constraint\":\">=1.2.0, <2.0.0\""),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Lock>(&text).unwrap(), lock);
        for (from, to) in [("sha256:", "md5:"), (">=1.2.0", "~1.2.0"), ("tag", "label")] {
            assert!(serde_json::from_str::<Lock>(&text.replacen(from, to, 1)).is_err());
        }
    }

    #[test]
    fn an_older_version_is_taken_only_by_its_name() {
        let standing = lock("^1.0.0", &["1.0.0", "v2.0.0"]);
        for (constraint, tags) in [
            ("^1.0.0", ["1.0.0"]),
            ("<2.0.0", ["1.9.0"]),
            ("*", ["0.1.0"]),
        ] {
            let refused = lock(constraint, &tags).after(Some(&standing)).unwrap_err();
            assert_eq!(refused.standing, "v2.0.0");
            assert!(refused.to_string().contains(tags[0]), "{refused}");
        }
        for (constraint, tag) in [
            ("1.0.0", "1.0.0"),
            ("v1.0.0", "1.0.0.0"),
            ("latest", "latest"),
            ("main", "main"),
        ] {
            let pinned = lock(constraint, &[tag]);
            assert_eq!(pinned.clone().after(Some(&standing)), Ok(pinned));
        }
        let newer = lock("*", &["2.0.0", "2.0.1"]);
        assert_eq!(newer.clone().after(Some(&standing)), Ok(newer.clone()));
        assert_eq!(newer.clone().after(None), Ok(newer));
    }

    proptest! {
        #[test]
        fn a_lock_never_goes_down_without_a_name(
            steps in proptest::collection::vec((proptest::collection::vec(any_version(), 1..6), 0usize..4, any_version()), 1..12),
        ) {
            let mut standing: Option<Lock> = None;
            for (tags, form, bound) in steps {
                let constraint = match form {
                    0 => "*".to_owned(),
                    1 => format!("^{bound}"),
                    2 => format!("<={bound}"),
                    _ => bound.to_string(),
                };
                let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
                let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                if resolve(&constraint.parse().unwrap(), &tags).is_err() {
                    continue;
                }
                let found = lock(&constraint, &tags);
                let before = standing.clone();
                if let Ok(next) = found.clone().after(standing.as_ref()) {
                    prop_assert_eq!(&next, &found);
                    standing = Some(next);
                }
                if let (Some(before), Some(now)) = (before, &standing) {
                    prop_assert!(!now.is_older_than(&before) || form == 3);
                }
            }
        }
    }
}
