//! Which versions of a service a claim means.
//!
//! ```text
//! constraint = "*" | "latest" | exact | floor | pattern | range ( "," range )*      "," is and; spaces are ignored
//! exact      = any tag                             byte for byte first, then the same version in another spelling
//! floor      = "^" ["v"] numbers [pre]             at least, with no ceiling: not the caret of semver
//! pattern    = ["v"] number { "." number } ( "." ( "x" | "X" | "*" ) )+             wildcards only at the end
//! range      = ( ">=" | ">" | "<=" | "<" | "=" | "!=" ) ["v"] numbers [pre]
//! ```

use crate::version::{MOST_NUMBERS, Version, parse_number};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A constraint of a claim. Small for the forms that most claims use; a platform holds tens of thousands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constraint {
    /// `*`: the newest version.
    Any,
    /// `latest`: the tag of that name, or the newest version if there is none.
    Latest,
    /// One tag.
    Exact(String),
    /// `^1.0.0.0`: this version or any newer one.
    Floor(Box<Version>),
    /// `1.x.x.x`: versions that begin with these numbers.
    Pattern(Box<Pattern>),
    /// `>=1.2.0, <2.0.0`: versions within all bounds.
    Range(Vec<Bound>),
}

/// Numbers to begin with, then wildcards.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
    prefix: Vec<u64>,
}

/// One end of a range.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    /// How to compare.
    pub operator: Operator,
    /// With what.
    pub version: Version,
}

/// How a bound compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `=`
    Same,
    /// `!=`
    Not,
}

/// Why a text is not a constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a version constraint: {why}; write a tag (v1.2.3), ^1.2.0 (that or newer), 1.x.x.x, \
     >=1.2.0, <2.0.0, latest or *"
)]
pub struct ConstraintError {
    text: String,
    why: String,
}

impl Operator {
    /// Longer signs first, so that `>=` is not read as `>`.
    const BY_SIGN: [(&'static str, Self); 6] = [
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        ("!=", Self::Not),
        (">", Self::Above),
        ("<", Self::Below),
        ("=", Self::Same),
    ];

    fn sign(self) -> &'static str {
        Self::BY_SIGN
            .into_iter()
            .find_map(|(sign, operator)| (operator == self).then_some(sign))
            .unwrap_or_default()
    }

    fn admits(self, order: Ordering) -> bool {
        match self {
            Self::AtLeast => order.is_ge(),
            Self::Above => order.is_gt(),
            Self::AtMost => order.is_le(),
            Self::Below => order.is_lt(),
            Self::Same => order.is_eq(),
            Self::Not => order.is_ne(),
        }
    }
}

impl Constraint {
    /// Whether the numbers of `version` satisfy the constraint. An exact constraint compares versions here; its tag,
    /// byte for byte, is the resolver's first look.
    #[must_use]
    pub fn admits(&self, version: &Version) -> bool {
        match self {
            Self::Any | Self::Latest => true,
            Self::Exact(tag) => {
                Version::parse(tag).is_some_and(|own| own.precedence(version).is_eq())
            }
            Self::Floor(floor) => version.precedence(floor).is_ge(),
            Self::Pattern(pattern) => version.numbers().starts_with(&pattern.prefix),
            Self::Range(bounds) => bounds
                .iter()
                .all(|bound| bound.operator.admits(version.precedence(&bound.version))),
        }
    }

    /// Whether a pre-release may be chosen: only when the constraint itself names one of the same numbers.
    pub(crate) fn names_pre_release_of(&self, version: &Version) -> bool {
        let names = |own: &Version| own.is_pre_release() && own.numbers() == version.numbers();
        match self {
            Self::Any | Self::Latest | Self::Pattern(_) => false,
            Self::Exact(tag) => Version::parse(tag).is_some_and(|own| names(&own)),
            Self::Floor(floor) => names(floor),
            Self::Range(bounds) => bounds.iter().any(|bound| names(&bound.version)),
        }
    }

    /// What its author may not have meant.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let Self::Floor(floor) = self else {
            return None;
        };
        Some(format!(
            "`^{floor}` means {floor} or anything newer, also the next major version; for a ceiling write a range"
        ))
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Latest => f.write_str("latest"),
            Self::Exact(tag) => f.write_str(tag),
            Self::Floor(floor) => write!(f, "^{floor}"),
            Self::Pattern(pattern) => f.write_str(&pattern.text),
            Self::Range(bounds) => {
                for (index, bound) in bounds.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{}{}", bound.operator.sign(), bound.version)?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Constraint {
    type Err = ConstraintError;

    fn from_str(text: &str) -> Result<Self, ConstraintError> {
        let refuse = |why: &str| ConstraintError {
            text: text.to_owned(),
            why: why.to_owned(),
        };
        let trimmed = text.trim();
        if let Some(floor) = trimmed.strip_prefix('^') {
            let floor = Version::parse_bound(floor.trim());
            return floor
                .map(|floor| Self::Floor(Box::new(floor)))
                .ok_or_else(|| refuse("after `^` come one to four numbers"));
        }
        if trimmed.starts_with(['<', '>', '=', '!']) || trimmed.contains(',') {
            let bounds = trimmed.split(',').map(|bound| parse_bound(bound.trim()));
            return bounds
                .collect::<Result<_, _>>()
                .map(Self::Range)
                .map_err(|why| refuse(&why));
        }
        match trimmed {
            "" => Err(refuse("it is empty")),
            "*" => Ok(Self::Any),
            "latest" => Ok(Self::Latest),
            _ => match parse_pattern(trimmed) {
                Some(pattern) => pattern
                    .map(|pattern| Self::Pattern(Box::new(pattern)))
                    .map_err(|why| refuse(&why)),
                None => parse_tag(trimmed)
                    .map(Self::Exact)
                    .map_err(|why| refuse(&why)),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Constraint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Constraint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

fn parse_bound(text: &str) -> Result<Bound, String> {
    let signed = Operator::BY_SIGN
        .into_iter()
        .find_map(|(sign, operator)| Some((operator, text.strip_prefix(sign)?)));
    let (operator, version) = signed.ok_or_else(|| {
        format!(
            "`{text}` has no comparison; each part of a range starts with one of >= > <= < = !="
        )
    })?;
    let version = Version::parse_bound(version.trim())
        .ok_or_else(|| format!("`{text}` needs one to four numbers after the comparison"))?;
    Ok(Bound { operator, version })
}

/// `None` for a text without a wildcard, or one whose `x` is part of a word.
fn parse_pattern(text: &str) -> Option<Result<Pattern, String>> {
    let is_wildcard = |part: &&str| matches!(*part, "x" | "X" | "*");
    let parts: Vec<&str> = text.strip_prefix('v').unwrap_or(text).split('.').collect();
    let numbers: Vec<u64> = parts.iter().map_while(|part| parse_number(part)).collect();
    let all_fit = parts
        .iter()
        .all(|part| is_wildcard(part) || parse_number(part).is_some());
    if numbers.is_empty() || !all_fit || !parts.iter().any(is_wildcard) {
        return None;
    }
    Some(if !parts[numbers.len()..].iter().all(is_wildcard) {
        Err("wildcards may stand only at the end".to_owned())
    } else if parts.len() > MOST_NUMBERS {
        Err(format!("it has more than {MOST_NUMBERS} parts"))
    } else {
        Ok(Pattern {
            text: text.to_owned(),
            prefix: numbers,
        })
    })
}

fn parse_tag(text: &str) -> Result<String, String> {
    if text.len() > 128 {
        return Err("a tag has at most 128 characters".to_owned());
    }
    let stranger = text
        .chars()
        .find(|c| !matches!(c, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '.' | '-'));
    match stranger {
        Some('+') => Err("a tag has no `+`; registries write `_` instead".to_owned()),
        Some('~') => Err("there is no `~`; write a range".to_owned()),
        Some(stranger) => Err(format!("{stranger:?} may not stand in a tag")),
        None if text.starts_with(['.', '-']) => {
            Err("a tag starts with a letter, a digit or `_`".to_owned())
        }
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
