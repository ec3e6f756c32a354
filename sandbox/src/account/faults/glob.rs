//! Patterns for paths and labels: `*` is anything but a slash, `**` is anything.

/// Whether the whole text matches.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix("**") {
        return text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .any(|at| matches(rest, &text[at..]));
    }
    if let Some(rest) = pattern.strip_prefix('*') {
        let reach = text.find('/').unwrap_or(text.len());
        return text[..reach]
            .char_indices()
            .map(|(at, _)| at)
            .chain([reach])
            .any(|at| matches(rest, &text[at..]));
    }
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some(wanted), Some(found)) if wanted == found => {
            matches(&pattern[wanted.len_utf8()..], &text[found.len_utf8()..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stay_within_a_segment_and_double_stars_do_not() {
        assert!(matches("/vpcs/*", "/vpcs/1"));
        assert!(!matches("/vpcs/*", "/vpcs/1/attachments"));
        assert!(matches("/vpcs/**", "/vpcs/1/attachments"));
        assert!(matches(
            "/kubernetes/clusters/*/node-pools",
            "/kubernetes/clusters/x/node-pools"
        ));
        assert!(matches("**", ""));
        assert!(matches("slipway:*:bootstrap", "slipway:acme:bootstrap"));
        assert!(!matches("/vpcs", "/vpcs/"));
    }
}
