//! Kubernetes versions as users ask for them, and the builds that Vultr offers.
//!
//! `1.35` means any build of that minor, `1.35.2` any build of that patch, `v1.35.2+1` that build alone.

use std::fmt;

use thiserror::Error;

/// What a user accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Constraint {
    major: u64,
    minor: u64,
    patch: Option<u64>,
    build: Option<u64>,
}

/// What the builds on offer say of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It can be had, and so can builds of an older minor version.
    Good,
    /// Its minor version is the oldest on offer, and the next that goes. The cloud tells no end dates.
    Oldest,
    /// It cannot be had any more; clusters that run it go on.
    Withdrawn,
}

impl Standing {
    /// How a build stands among those on offer. A build alone on offer is not the oldest of anything.
    pub(crate) fn of(build: &str, offered: &[String]) -> Self {
        if !offered.iter().any(|one| one == build) {
            return Self::Withdrawn;
        }
        let minor = |text: &str| Build::read(text).map(|build| (build.major, build.minor));
        let minors = || offered.iter().filter_map(|text| minor(text));
        match (minor(build), minors().min(), minors().max()) {
            (Some(own), Some(oldest), Some(newest)) if own == oldest && oldest < newest => {
                Self::Oldest
            }
            _ => Self::Good,
        }
    }
}

/// The text is no constraint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no Kubernetes version; write a minor such as \"1.35\", a patch such as \"1.35.2\" or a build such as \"v1.35.2+1\""
)]
pub(crate) struct BadConstraint(String);

/// One build as Vultr names it, `v1.35.2+1`; ordered by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Build {
    major: u64,
    minor: u64,
    patch: u64,
    number: u64,
}

impl Constraint {
    /// Reads a constraint; a leading `v` changes nothing.
    pub(crate) fn parse(text: &str) -> Result<Self, BadConstraint> {
        Self::read(text).ok_or_else(|| BadConstraint(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (version, build) = match text.split_once('+') {
            Some((version, build)) => (version, Some(number(build)?)),
            None => (text, None),
        };
        let mut parts = version.split('.');
        let (major, minor) = (number(parts.next()?)?, number(parts.next()?)?);
        let patch = match parts.next() {
            Some(part) => Some(number(part)?),
            None => None,
        };
        if parts.next().is_some() || (build.is_some() && patch.is_none()) {
            return None;
        }
        Some(Self {
            major,
            minor,
            patch,
            build,
        })
    }

    /// Whether the build is one of those asked for.
    pub(crate) fn accepts(&self, build: &str) -> bool {
        Build::read(build).is_some_and(|build| self.takes(build))
    }

    fn takes(&self, build: Build) -> bool {
        self.major == build.major
            && self.minor == build.minor
            && self.patch.is_none_or(|patch| patch == build.patch)
            && self.build.is_none_or(|number| number == build.number)
    }

    /// The newest of the offered builds that is accepted.
    pub(crate) fn resolve<'a>(&self, offered: &'a [String]) -> Option<&'a str> {
        offered
            .iter()
            .filter_map(|text| Build::read(text).map(|build| (build, text.as_str())))
            .filter(|(build, _)| self.takes(*build))
            .max_by_key(|(build, _)| *build)
            .map(|(_, text)| text)
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if let Some(patch) = self.patch {
            write!(f, ".{patch}")?;
        }
        if let Some(build) = self.build {
            write!(f, "+{build}")?;
        }
        Ok(())
    }
}

impl Build {
    fn read(text: &str) -> Option<Self> {
        let constraint = Constraint::read(text)?;
        Some(Self {
            major: constraint.major,
            minor: constraint.minor,
            patch: constraint.patch?,
            number: constraint.build.unwrap_or(0),
        })
    }
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered() -> Vec<String> {
        ["v1.36.5+1", "v1.35.10+2", "v1.35.10+1", "v1.35.9+3"]
            .map(str::to_owned)
            .to_vec()
    }

    fn resolve(text: &str) -> Option<String> {
        Constraint::parse(text)
            .unwrap()
            .resolve(&offered())
            .map(str::to_owned)
    }

    #[test]
    fn the_newest_accepted_build_wins_by_number_not_by_text() {
        assert_eq!(resolve("1.35").as_deref(), Some("v1.35.10+2"));
        assert_eq!(resolve("v1.35").as_deref(), Some("v1.35.10+2"));
        assert_eq!(resolve("1.35.9").as_deref(), Some("v1.35.9+3"));
        assert_eq!(resolve("v1.35.10+1").as_deref(), Some("v1.35.10+1"));
        assert_eq!(resolve("1.34"), None);
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "", "1", "latest", "1.35.x", "1.35.", "1.35+1", "1.35.1.1", "v", "1.-5",
        ] {
            assert!(Constraint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_build_stands_by_what_is_offered_beside_it() {
        let standing = |build| Standing::of(build, &offered());
        assert_eq!(standing("v1.36.5+1"), Standing::Good);
        assert_eq!(standing("v1.35.9+3"), Standing::Oldest);
        assert_eq!(standing("v1.35.8+1"), Standing::Withdrawn);
        assert_eq!(standing("v1.34.1+1"), Standing::Withdrawn);
        let only = ["v1.36.5+1".to_owned()];
        assert_eq!(Standing::of("v1.36.5+1", &only), Standing::Good);
    }

    #[test]
    fn a_running_build_is_measured_by_the_same_rule() {
        let minor = Constraint::parse("1.35").unwrap();
        assert!(minor.accepts("v1.35.2+1"));
        assert!(!minor.accepts("v1.36.0+1"));
        assert!(!minor.accepts("unknown"));
        assert_eq!(minor.to_string(), "1.35");
    }
}
