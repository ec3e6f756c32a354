//! The nearest allowed word to one that a user wrote, for "did you mean".

/// Below this likeness a suggestion confuses more than it helps.
const LIKE_ENOUGH: f64 = 0.7;

/// The allowed word most like `given`, if one is like it at all.
pub(crate) fn nearest<'a>(
    given: &str,
    allowed: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    allowed
        .into_iter()
        .map(|word| (strsim::jaro_winkler(given, word), word))
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// "Allowed: a, b, c. Did you mean b?" for the detail of an error.
pub(crate) fn allowed_words<'a>(
    given: &str,
    allowed: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let list = allowed.clone().into_iter().collect::<Vec<_>>().join(", ");
    match nearest(given, allowed) {
        Some(word) => format!("Allowed: {list}. Did you mean {word:?}?"),
        None => format!("Allowed: {list}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        let words = ["crossplane", "flux", "infisical", "kong", "opal", "minio"];
        assert_eq!(nearest("kongg", words), Some("kong"));
        assert_eq!(nearest("infiscal", words), Some("infisical"));
        assert_eq!(nearest("zzz", words), None);
    }

    #[test]
    fn the_list_is_always_told() {
        assert_eq!(allowed_words("zzz", ["a", "b"]), "Allowed: a, b.");
        assert_eq!(
            allowed_words("flix", ["flux", "kong"]),
            "Allowed: flux, kong. Did you mean \"flux\"?"
        );
    }
}
