//! From a constraint and the tags that exist to the one tag that is meant.

use crate::constraint::Constraint;
use crate::fault::nearest;
use crate::version::Version;
use std::fmt::Write as _;

/// The chosen tag, and why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The tag, as the registry spells it.
    pub tag: String,
    /// How many tags were looked at.
    pub considered: usize,
    /// Why this one.
    pub reason: String,
}

/// Why no tag was chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is nothing to choose from.
    #[error("no tag satisfies `{0}`: there are no tags")]
    NoTags(Constraint),
    /// Nothing fits.
    #[error("no tag satisfies `{constraint}`: {why}")]
    NoMatch {
        /// What was asked for.
        constraint: Constraint,
        /// What there is instead.
        why: String,
    },
}

/// Chooses the newest of the `available` tags that satisfy `constraint`, whatever their order.
///
/// A tag that is no version (`latest`, `dev-snapshot`, `1.2`) is chosen only by its own name. A pre-release is chosen
/// only by a constraint that names one of the same numbers.
pub fn resolve<T: AsRef<str>>(
    constraint: &Constraint,
    available: &[T],
) -> Result<Resolution, ResolveError> {
    if available.is_empty() {
        return Err(ResolveError::NoTags(constraint.clone()));
    }
    let considered = available.len();
    let choose = |tag: &str, reason: String| Resolution {
        tag: tag.to_owned(),
        considered,
        reason,
    };
    if let Some(tag) = constraint
        .own_tag()
        .filter(|own| available.iter().any(|tag| tag.as_ref() == *own))
    {
        return Ok(choose(tag, format!("the tag `{tag}` exists")));
    }

    let versions: Vec<Version> = available
        .iter()
        .filter_map(|tag| Version::parse(tag.as_ref()))
        .collect();
    let (fitting, passed_over): (Vec<&Version>, Vec<&Version>) = versions
        .iter()
        .filter(|version| constraint.admits(version))
        .partition(|version| !version.is_pre_release() || constraint.names_pre_release_of(version));
    let counts = Counts {
        considered,
        versions: versions.len(),
        fitting: fitting.len(),
        passed_over: passed_over.len(),
    };
    if let Some(best) = fitting.into_iter().max() {
        return Ok(choose(best.as_str(), counts.explain(constraint, best)));
    }
    let newest = versions.iter().max();
    let pre_release = passed_over.into_iter().max();
    let why = counts.explain_nothing(constraint, available, newest, pre_release);
    Err(ResolveError::NoMatch {
        constraint: constraint.clone(),
        why,
    })
}

impl Constraint {
    /// The tag that is looked for by name before any version is compared.
    pub(crate) fn own_tag(&self) -> Option<&str> {
        match self {
            Self::Exact(tag) => Some(tag),
            Self::Latest => Some("latest"),
            Self::Any | Self::Floor(_) | Self::Pattern(_) | Self::Range(_) => None,
        }
    }
}

struct Counts {
    considered: usize,
    versions: usize,
    fitting: usize,
    passed_over: usize,
}

impl Counts {
    fn explain(&self, constraint: &Constraint, best: &Version) -> String {
        let mut reason = match constraint {
            Constraint::Exact(tag) => {
                format!("{best} is the version `{tag}` in the registry's spelling")
            }
            _ => format!(
                "{best} is the newest of {} that satisfy `{constraint}`",
                self.fitting
            ),
        };
        for (count, what) in [
            (
                self.versions - self.fitting - self.passed_over,
                "too old, too new or excluded",
            ),
            (self.passed_over, "pre-releases passed over"),
            (self.considered - self.versions, "not versions"),
        ] {
            if count > 0 {
                let _ = write!(reason, "; {what}: {count}");
            }
        }
        reason
    }

    fn explain_nothing<T: AsRef<str>>(
        &self,
        constraint: &Constraint,
        available: &[T],
        newest: Option<&Version>,
        pre_release: Option<&Version>,
    ) -> String {
        if let Some(pre_release) = pre_release {
            return format!(
                "only pre-releases would, such as {pre_release}; name one to accept them (>={pre_release})"
            );
        }
        let tags: Vec<&str> = available.iter().map(AsRef::as_ref).collect();
        let near = constraint
            .own_tag()
            .map(|own| nearest(own, &tags))
            .unwrap_or_default();
        match newest {
            Some(newest) => format!(
                "{} tags were looked at, the newest version is {newest}{near}",
                self.considered
            ),
            None => format!(
                "none of the {} tags is a version of three or four numbers{near}",
                self.considered
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::tests::any_version;
    use proptest::prelude::*;

    fn chosen(constraint: &str, available: &[&str]) -> String {
        resolve(&constraint.parse().unwrap(), available)
            .map_or_else(|error| error.to_string(), |found| found.tag)
    }

    #[test]
    fn the_example_of_the_provider_function() {
        assert_eq!(
            chosen("^1.0.0.0", &["v0.9.0", "v1.2.0", "v1.10.0"]),
            "v1.10.0"
        );
    }

    #[test]
    fn an_exact_tag_is_taken_byte_for_byte_first() {
        let tags = ["1.2.3", "v1.2.3", "1.2.3.0", "dev-snapshot", "1.2"];
        for tag in tags {
            assert_eq!(chosen(tag, &tags), tag);
        }
        assert_eq!(
            chosen("1.2.3", &["v1.2.3", "v1.2.3.0", "1.2.3.0"]),
            "1.2.3.0",
            "no v before fewer numbers"
        );
        assert_eq!(chosen("v1.2.3.0", &["v1.2.3"]), "v1.2.3");
    }

    #[test]
    fn equal_versions_are_chosen_by_spelling_not_by_order() {
        assert_eq!(chosen("*", &["v1.2.3", "1.2.3.0", "1.2.3"]), "1.2.3");
        assert_eq!(chosen("*", &["1.2.3", "1.2.3.0", "v1.2.3"]), "1.2.3");
    }

    #[test]
    fn latest_is_a_tag_first_and_never_a_version() {
        assert_eq!(chosen("latest", &["1.0.0", "latest"]), "latest");
        assert_eq!(chosen("latest", &["1.0.0", "2.0.0"]), "2.0.0");
        assert_eq!(chosen("*", &["1.0.0", "latest", "main"]), "1.0.0");
        assert!(chosen("*", &["latest"]).contains("none of the 1 tags is a version"));
    }

    #[test]
    fn pre_releases_are_chosen_only_when_named() {
        let tags = ["1.0.0", "1.1.0-rc.1", "1.1.0-rc.2", "2.0.0-rc.1"];
        assert_eq!(chosen("*", &tags), "1.0.0");
        assert_eq!(chosen("1.x", &tags), "1.0.0");
        assert_eq!(
            chosen("^1.1.0-rc.1", &tags),
            "1.1.0-rc.2",
            "2.0.0-rc.1 has other numbers"
        );
        assert_eq!(chosen(">=1.1.0-rc.1, <1.1.0-rc.2", &tags), "1.1.0-rc.1");
        assert!(chosen("^1.0.1", &tags).contains("only pre-releases would, such as 2.0.0-rc.1"));
    }

    #[test]
    fn four_numbers_and_three_live_together() {
        let tags = ["1.2.3", "1.2.3.4", "1.2.3-4", "1.3.0", "2.0.0"];
        assert_eq!(chosen("1.2.x.x", &tags), "1.2.3.4");
        assert_eq!(chosen("1.x.x.x", &tags), "1.3.0");
        assert_eq!(chosen(">=1.2.0, <1.3", &tags), "1.2.3.4");
    }

    #[test]
    fn reasons_say_what_was_chosen_and_what_was_not() {
        let tags = ["0.9.0", "1.0.0", "1.1.0", "1.2.0-rc.1", "main"];
        let found = resolve(&"^1.0.0".parse().unwrap(), &tags).unwrap();
        assert_eq!(found.considered, 5);
        let expected = "1.1.0 is the newest of 2 that satisfy `^1.0.0`; too old, too new or excluded: 1; pre-releases passed over: 1; not versions: 1";
        assert_eq!(found.reason, expected);
        assert!(
            chosen("^3", &tags).contains("5 tags were looked at, the newest version is 1.2.0-rc.1")
        );
        assert!(chosen("mian", &tags).contains("did you mean `main`?"));
        assert!(chosen("*", &[]).contains("there are no tags"));
    }

    proptest! {
        #[test]
        fn the_choice_is_the_greatest_member_that_fits_whatever_the_order(
            versions in proptest::collection::vec(any_version(), 1..20),
            bound in any_version(),
            form in 0usize..6,
            turn in any::<prop::sample::Index>(),
        ) {
            let text = match form {
                0 => "*".to_owned(),
                1 => format!("^{bound}"),
                2 => format!(">={bound}"),
                3 => format!("<{bound}, !=1.0.0"),
                4 => format!("{}.x", bound.numbers()[0]),
                _ => bound.to_string(),
            };
            let constraint: Constraint = text.parse().unwrap();
            let mut tags: Vec<String> = versions.iter().map(ToString::to_string).collect();
            let found = resolve(&constraint, &tags);
            let turn = turn.index(tags.len());
            tags.rotate_left(turn);
            prop_assert_eq!(resolve(&constraint, &tags), found.clone());
            tags.reverse();
            prop_assert_eq!(resolve(&constraint, &tags), found.clone());

            let allowed = |version: &&Version| {
                constraint.admits(version) && (!version.is_pre_release() || constraint.names_pre_release_of(version))
            };
            if let Ok(found) = found {
                let tag = Version::parse(&found.tag).unwrap();
                prop_assert!(tags.contains(&found.tag) && allowed(&&tag));
                prop_assert!(versions.iter().filter(allowed).all(|v| v.precedence(&tag).is_le()));
            } else {
                prop_assert_eq!(versions.iter().filter(allowed).count(), 0);
            }
        }

        #[test]
        fn a_listing_in_pages_chooses_as_the_whole_does(versions in proptest::collection::vec(any_version(), 1..20), size in 1usize..6) {
            let tags: Vec<String> = versions.iter().map(ToString::to_string).collect();
            let winners: Vec<String> =
                tags.chunks(size).filter_map(|page| resolve(&Constraint::Any, page).ok()).map(|found| found.tag).collect();
            let whole = resolve(&Constraint::Any, &tags).ok().map(|found| found.tag);
            prop_assert_eq!(resolve(&Constraint::Any, &winners).ok().map(|found| found.tag), whole);
        }
    }
}
