//! A value to look for: letters in either case, `*` for anything.

use serde_json::{Value, json};

/// What a value must look like. Only ASCII letters are taken in either case: that is what the engines do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// The pieces between the asterisks, in lower case; one piece means that nothing is left open.
    pieces: Vec<String>,
}

impl Pattern {
    /// The whole value, with `*` for anything in between.
    pub(crate) fn whole(text: &str) -> Self {
        Self {
            pieces: text.split('*').map(str::to_ascii_lowercase).collect(),
        }
    }

    /// A part of the value.
    pub(crate) fn part(text: &str) -> Self {
        Self::whole(&format!("*{text}*"))
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let [first, between @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|only| *only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        // The earliest place for each piece leaves the most room for those after it.
        for piece in between {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }

    pub(crate) fn to_engine(&self, field: &str) -> Value {
        let literal = |piece: &String| {
            piece
                .chars()
                .flat_map(|c| {
                    let escape = matches!(c, '\\' | '?' | '*').then_some('\\');
                    escape.into_iter().chain([c])
                })
                .collect::<String>()
        };
        let value = self
            .pieces
            .iter()
            .map(literal)
            .collect::<Vec<_>>()
            .join("*");
        json!({"wildcard": {field: {"value": value, "case_insensitive": true}}})
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn asterisks_stand_for_anything_and_the_rest_for_itself() {
        for (pattern, fitting, other) in [
            ("v1.2.3", "V1.2.3", "v1.2.30"),
            ("v1.*", "v1.", "v2.1."),
            ("*gate*", "api-gateway", "api"),
            ("a*b*c", "a-b-b-c", "a-c-b"),
            ("ab*ba", "abba", "aba"),
            ("", "", "x"),
            ("*", "", "\u{0}never"),
            ("a?c", "a?c", "abc"),
        ] {
            assert!(Pattern::whole(pattern).fits(fitting), "{pattern} {fitting}");
            if pattern != "*" {
                assert!(!Pattern::whole(pattern).fits(other), "{pattern} {other}");
            }
        }
        assert!(Pattern::part("AUTH").fits("auth-service"));
    }

    #[test]
    fn what_the_engine_would_take_for_a_sign_is_escaped() {
        let asked = Pattern::whole(r"a?\*").to_engine("name").to_string();
        assert!(asked.contains(r#""value":"a\\?\\\\*""#), "{asked}");
    }
}
