//! Makes a text fit for a bug report: nothing that opens a door, and nothing that says whose platform it is.
//!
//! Events are masked where they are made, by the secrets of their run. This is the second gate, for what no run could
//! know to be secret: it goes by form.

use std::collections::BTreeMap;

const BLOT: &str = "********";
/// What introduces a value that nobody else may read, in any spelling.
const TELLING: [&str; 10] = [
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "private_key",
    "authorization",
];
/// Words this long that look random are taken for keys.
const KEY_LENGTH: usize = 32;
/// How digests of components and bundles are long: they are wanted in a report.
const DIGEST_LENGTHS: [usize; 2] = [40, 64];

/// Replaces what must not be told; the same address has the same name throughout.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    names: BTreeMap<String, String>,
    private: Vec<(String, String)>,
}

impl Redaction {
    /// Also replaces these texts, by these names.
    pub(crate) fn hide(&mut self, text: &str, name: &str) {
        if !text.is_empty() {
            self.private.push((text.to_owned(), name.to_owned()));
        }
    }

    /// The text as it may be sent.
    pub(crate) fn apply(&mut self, text: &str) -> String {
        let mut clean = without_blocks(text);
        for (private, name) in &self.private {
            clean = clean.replace(private.as_str(), name);
        }
        let mut out = String::with_capacity(clean.len());
        let mut telling = false;
        for (word, gap) in words(&clean) {
            out.push_str(&self.word(word, telling));
            out.push_str(gap);
            // `token: x`, `--password=x`, `Authorization: Bearer x`; in JSON within JSON the quotes are escaped.
            let assigns = gap.contains([':', '=']) || (telling && word.is_empty());
            let lower = word.to_ascii_lowercase();
            let named = TELLING.iter().any(|name| lower.ends_with(name));
            telling = (named && (assigns || gap == " "))
                || (telling && ["bearer", "basic"].contains(&lower.as_str()));
        }
        out
    }

    fn word(&mut self, word: &str, telling: bool) -> String {
        let known = [
            "null", "true", "false", BLOT, "is", "was", "has", "cannot", "of", "and", "in", "not",
        ];
        if telling && word.len() >= 4 && !known.contains(&word) {
            let bearer = ["bearer", "basic"].contains(&word.to_ascii_lowercase().as_str());
            return if bearer {
                word.to_owned()
            } else {
                BLOT.to_owned()
            };
        }
        if is_key(word) {
            return BLOT.to_owned();
        }
        if let Ok(address) = word.parse::<std::net::IpAddr>() {
            return if address.is_loopback() || address.is_unspecified() {
                word.to_owned()
            } else {
                let next = self.names.len() + 1;
                self.names
                    .entry(word.to_owned())
                    .or_insert_with(|| format!("address-{next}"))
                    .clone()
            };
        }
        word.to_owned()
    }
}

/// Words with the gap behind each. A word is what a key or an address can be made of.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = |c: char| c.is_alphanumeric() || "_-./+*".contains(c);
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let word_end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let gap_end = rest[word_end..]
            .find(inside)
            .map_or(rest.len(), |at| word_end + at);
        let found = (&rest[..word_end], &rest[word_end..gap_end]);
        rest = &rest[gap_end..];
        Some(found)
    })
}

/// Whether a word looks like a key: long, of letters and digits mixed, and no path, id or digest.
fn is_key(word: &str) -> bool {
    let has = |test: fn(&char) -> bool| word.chars().any(|c| test(&c));
    let hexadecimal = word.chars().all(|c| c.is_ascii_hexdigit());
    let digest = hexadecimal && DIGEST_LENGTHS.contains(&word.len());
    let id = word.len() == 36 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    // A token of three parts is JSON in base64: `eyJ…`.
    let token = word.starts_with("eyJ") && word.len() >= 16;
    let path = word.contains('/') && word.split('/').all(|part| part.len() < KEY_LENGTH);
    let random = has(char::is_ascii_digit) && has(char::is_ascii_alphabetic);
    token || (word.len() >= KEY_LENGTH && random && !digest && !id && !path)
}

/// The text without PEM blocks, in plain and in JSON's spelling.
fn without_blocks(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        clean.push_str(&rest[..begin]);
        clean.push_str(BLOT);
        let tail = &rest[begin + BEGIN.len()..];
        let end = tail.find(END).map_or(tail.len(), |end| end + END.len());
        let after = &tail[end..];
        // Behind the label of the last line; a block without an end is cut to the end of the text.
        rest = after.find("-----").map_or("", |label| &after[label + 5..]);
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        Redaction::default().apply(text)
    }

    #[test]
    fn what_opens_a_door_is_gone_in_every_form() {
        for leaked in [
            "password: canary-1x",
            r#"{"api_key": "canary-1x"}"#,
            r#""msg":"{\"token\": \"canary-1x\"}""#,
            "--token=canary-1x",
            "Authorization: Bearer canary-1x",
            "login with password canary-1x failed",
            "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary-1x\n-----END OPENSSH PRIVATE KEY-----\n",
            r"-----BEGIN RSA PRIVATE KEY-----\ncanary-1x\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----\ncanary-1x and cut",
            "key ABCD0123canary-1xABCD0123ABCD0123 in the open",
            "eyJhbGciOiJIUzI1NiJ9.canary-1x.c2ln",
            "AKIA_SECRET_ACCESS_KEY=canary-1x",
        ] {
            assert!(
                !redacted(leaked).contains("canary"),
                "{leaked} -> {}",
                redacted(leaked)
            );
        }
    }

    #[test]
    fn what_a_reader_needs_stays() {
        for wanted in [
            r#"{"event":"task","component":"kong","name":"Wait for everything in namespace kong","duration_ms":1200}"#,
            r#"{"digest":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#,
            r#"{"run":"6f2c8a0e-3c5b-4d8e-9a51-0d6a4d1f2b3c"}"#,
            "/root/.slipway/jobs/kong/events.jsonl and 127.0.0.1:6443",
            "secret \"database\" not found",
        ] {
            assert_eq!(redacted(wanted), wanted);
        }
    }

    #[test]
    fn addresses_and_names_are_the_same_throughout() {
        let mut redaction = Redaction::default();
        redaction.hide("acme.example", "platform.example");
        let text = redaction
            .apply("203.0.113.7 is down, 203.0.113.8 is up, 203.0.113.7 of api.acme.example");
        assert_eq!(
            text,
            "address-1 is down, address-2 is up, address-1 of api.platform.example"
        );
    }
}
