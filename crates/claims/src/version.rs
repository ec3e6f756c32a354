//! Versions as registries carry them: three or four numbers, with or without a `v`.

use std::cmp::Ordering;
use std::fmt;

/// A version. Its order is total: equal only to itself, and `1.2.3`, `v1.2.3` and `1.2.3.0` stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    text: String,
    v: bool,
    numbers: [u64; MOST_NUMBERS],
    parts: usize,
    pre: Vec<Identifier>,
}

/// One part of a pre-release. Numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Identifier {
    Number(u64),
    Word(String),
}

pub(crate) const MOST_NUMBERS: usize = 4;

impl Version {
    /// Reads a tag. `None` for what is a tag but no version: `latest`, `1.2`, `dev-snapshot`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_bound(text).filter(|version| version.parts >= 3)
    }

    /// Reads the version of a bound, which may have fewer numbers than a tag.
    pub(crate) fn parse_bound(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (numbers, pre) = bare
            .split_once('-')
            .map_or((bare, None), |(numbers, pre)| (numbers, Some(pre)));
        let mut read = [0; MOST_NUMBERS];
        let mut parts = 0;
        for part in numbers.split('.') {
            *read.get_mut(parts)? = parse_number(part)?;
            parts += 1;
        }
        let pre = pre.map_or(Some(Vec::new()), parse_pre_release)?;
        Some(Self {
            text: text.to_owned(),
            v: bare.len() < text.len(),
            numbers: read,
            parts,
            pre,
        })
    }

    /// The version as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its numbers; a missing one counts as zero.
    #[must_use]
    pub const fn numbers(&self) -> [u64; MOST_NUMBERS] {
        self.numbers
    }

    /// Whether something follows the numbers. `1.2.3-4` is a pre-release of 1.2.3, not a fourth number.
    #[must_use]
    pub const fn is_pre_release(&self) -> bool {
        !self.pre.is_empty()
    }

    /// Which of two is newer, whatever their spelling.
    #[must_use]
    pub fn precedence(&self, other: &Self) -> Ordering {
        let released_last = other.is_pre_release().cmp(&self.is_pre_release());
        self.numbers
            .cmp(&other.numbers)
            .then(released_last)
            .then_with(|| self.pre.cmp(&other.pre))
    }
}

impl Ord for Version {
    /// Precedence first; among equals the greater one is the better spelling: no `v`, then fewer numbers.
    fn cmp(&self, other: &Self) -> Ordering {
        self.precedence(other)
            .then_with(|| other.v.cmp(&self.v))
            .then_with(|| other.parts.cmp(&self.parts))
            .then_with(|| other.text.len().cmp(&self.text.len()))
            .then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Digits only: the standard parser also takes a sign. Leading zeros are fine (`2024.01.15`).
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

fn parse_pre_release(text: &str) -> Option<Vec<Identifier>> {
    let identifier = |part: &str| {
        let well_formed = !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        well_formed.then(|| {
            parse_number(part).map_or_else(|| Identifier::Word(part.to_owned()), Identifier::Number)
        })
    };
    text.split('.').map(identifier).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap_or_else(|| panic!("{text} is no version"))
    }

    #[test]
    fn versions_have_three_or_four_numbers() {
        for good in [
            "1.2.3",
            "v1.2.3",
            "1.2.3.4",
            "2024.01.15",
            "v0.0.0-rc.1",
            "1.2.3-4",
            "18446744073709551615.0.0",
        ] {
            assert_eq!(version(good).as_str(), good);
        }
        for odd in [
            "",
            "v",
            "1",
            "1.2",
            "1.2.3.4.5",
            "vv1.2.3",
            "V1.2.3",
            "1.2.x",
            "1..3",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3+4",
            "+1.2.3",
            "1.2.3_4",
            "latest",
            "18446744073709551616.0.0",
            " 1.2.3",
        ] {
            assert_eq!(Version::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn newer_is_by_number_and_pre_releases_come_before() {
        let rising = [
            "0.9.0",
            "v1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "v1.0.0.1",
            "1.2.3-4",
            "1.2.3",
            "1.2.3.4",
            "v1.10.0",
            "2.0.0",
        ];
        for pair in rising.windows(2) {
            assert_eq!(
                version(pair[0]).precedence(&version(pair[1])),
                Ordering::Less,
                "{pair:?}"
            );
        }
    }

    #[test]
    fn among_equals_the_plain_spelling_is_greatest() {
        let worst_first = ["v1.2.3.0", "v1.2.3", "1.2.3.0", "1.02.3", "1.2.3"];
        for pair in worst_first.windows(2) {
            assert_eq!(
                version(pair[0]).precedence(&version(pair[1])),
                Ordering::Equal
            );
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    /// Versions from a small range, so that equal and neighbouring ones are frequent.
    pub(crate) fn any_version() -> impl Strategy<Value = Version> {
        let numbers = proptest::collection::vec(0u64..4, 3..=4);
        let pre = proptest::option::of(prop_oneof!["rc\\.[0-3]", "[0-3]", "[a-c]{1,2}"]);
        (any::<bool>(), numbers, pre).prop_map(|(v, numbers, pre)| {
            let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
            let pre = pre.map(|pre| format!("-{pre}")).unwrap_or_default();
            version(&format!(
                "{}{}{pre}",
                if v { "v" } else { "" },
                numbers.join(".")
            ))
        })
    }

    proptest! {
        #[test]
        fn the_order_is_antisymmetric_and_equal_only_to_itself(a in any_version(), b in any_version()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a.as_str() == b.as_str());
            prop_assert_eq!(a.precedence(&b), b.precedence(&a).reverse());
        }

        #[test]
        fn the_order_is_transitive(a in any_version(), b in any_version(), c in any_version()) {
            let mut sorted = [&a, &b, &c];
            sorted.sort();
            prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
            prop_assert!(sorted[0].precedence(sorted[2]) != Ordering::Greater);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            if let Some(version) = Version::parse(&text) {
                prop_assert_eq!(version.as_str(), text);
            }
        }
    }
}
