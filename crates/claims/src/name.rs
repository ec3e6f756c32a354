//! Names that become DNS labels, namespaces and labels of cloud objects.

use serde::{Serialize, Serializer};
use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of an environment, which is its identity.
///
/// At most 50 characters: namespaces and cloud labels add up to 13 of their own, and 63 is what they may have. Copies
/// share the text, since whoever keeps many environments has each name in several places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvironmentName(Arc<str>);

pub(crate) const ENVIRONMENT_NAME: Rule = Rule {
    what: "an environment's name",
    shortest: 3,
    longest: 50,
};
pub(crate) const POOL_NAME: Rule = Rule {
    what: "a pool's name",
    shortest: 1,
    longest: 50,
};
pub(crate) const SERVICE_NAME: Rule = Rule {
    what: "a service's name",
    shortest: 1,
    longest: 63,
};

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` cannot be {}: {why}; it has {} to {} small letters, digits and dashes, starts with a letter and ends \
     with a letter or digit", rule.what, rule.shortest, rule.longest
)]
pub struct NameError {
    name: String,
    why: String,
    rule: Rule,
}

/// What one sort of name must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    what: &'static str,
    pub(crate) shortest: usize,
    pub(crate) longest: usize,
}

impl Rule {
    pub(crate) fn check(self, name: &str) -> Result<(), NameError> {
        let length = name.chars().count();
        let stranger = name
            .chars()
            .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'));
        let why = if let Some(stranger) = stranger {
            format!("{stranger:?} may not stand in it")
        } else if length < self.shortest || length > self.longest {
            format!("it has {length} characters")
        } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            "it does not start with a letter".to_owned()
        } else if name.ends_with('-') {
            "it ends with a dash".to_owned()
        } else {
            return Ok(());
        };
        Err(NameError {
            name: name.to_owned(),
            why,
            rule: self,
        })
    }
}

impl EnvironmentName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Maps by name are asked with a text.
impl Borrow<str> for EnvironmentName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvironmentName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        ENVIRONMENT_NAME.check(name)?;
        Ok(Self(name.into()))
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for EnvironmentName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_text_are_good() {
        for name in [
            "dev-team1-feature-x",
            "staging-qa",
            "prod-eu",
            "sue-vendor-eval",
            "dev-local",
        ] {
            assert_eq!(name.parse::<EnvironmentName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn bad_names_are_refused_with_the_reason() {
        let long = "a".repeat(51);
        let cases = [
            ("", "0 characters"),
            ("ab", "2 characters"),
            (long.as_str(), "51 characters"),
            ("Dev-x", "'D'"),
            ("dev_x", "'_'"),
            ("dev/../x", "'/'"),
            ("1dev", "start with a letter"),
            ("-dev", "start with a letter"),
            ("dev-", "ends with a dash"),
            ("dév", "'é'"),
        ];
        for (name, expected) in cases {
            let error = name.parse::<EnvironmentName>().unwrap_err().to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}
