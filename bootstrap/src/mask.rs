//! Blots secrets out of everything that leaves: the last gate, whatever a task printed.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kube::config::Kubeconfig;
use run_report::{Event, Failure, Request};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;

const BLOT: &str = "********";
/// Shorter texts are not secrets, and blotting them out would make every message unreadable.
const SHORTEST: usize = 4;
/// A line of a secret is secret too, unless it is as short as a brace or a word of YAML.
const SHORTEST_LINE: usize = 12;
/// A piece of base64 inside a longer one is looked for from this length on.
const SHORTEST_ENCODED: usize = 10;

/// The secrets of a run, in all the forms in which a text may hold them.
#[derive(Default)]
pub struct Masks {
    // Longest first: a secret that contains another is blotted out whole.
    forms: Vec<SecretString>,
}

impl Masks {
    /// The masks of a request.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let login = request
            .host
            .login_key
            .iter()
            .map(ExposeSecret::expose_secret);
        let kubeconfig = request.kubeconfig.expose_secret();
        let secrets = request.secrets.values().map(ExposeSecret::expose_secret);
        let kubeconfig = secrets_of_kubeconfig(kubeconfig);
        let kubeconfig = kubeconfig.iter().map(ExposeSecret::expose_secret);
        Self::new(secrets.chain(login).chain(kubeconfig))
    }

    /// Masks for these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = BTreeSet::new();
        for secret in secrets {
            forms.insert(secret.to_owned());
            forms.insert(secret.trim().to_owned());
            forms.extend(in_base64(secret.as_bytes()));
            forms.insert(in_url(secret));
            // Also JSON in a text that is JSON's in turn.
            let escaped = in_json(secret);
            forms.insert(in_json(&escaped));
            forms.insert(escaped);
            forms.extend(
                secret
                    .lines()
                    .map(str::trim)
                    .filter(|line| line.len() >= SHORTEST_LINE)
                    .map(str::to_owned),
            );
        }
        let mut forms: Vec<String> = forms
            .into_iter()
            .filter(|form| form.len() >= SHORTEST)
            .collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self {
            forms: forms.into_iter().map(SecretString::from).collect(),
        }
    }

    /// The text without secrets.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for form in &self.forms {
            if clean.contains(form.expose_secret()) {
                clean = clean.replace(form.expose_secret(), BLOT);
            }
        }
        clean
    }

    /// The failure without secrets.
    #[must_use]
    pub fn failure(&self, failure: Failure) -> Failure {
        let optional = |text: Option<String>| text.map(|text| self.apply(&text));
        Failure {
            play: optional(failure.play),
            task: optional(failure.task),
            host: optional(failure.host),
            cause: self.apply(&failure.cause),
            advice: self.apply(&failure.advice),
            code: failure.code,
        }
    }

    /// The event without secrets.
    #[must_use]
    pub fn event(&self, event: Event) -> Event {
        match event {
            Event::Play { component, name } => Event::Play {
                component,
                name: self.apply(&name),
            },
            Event::TaskStarted {
                component,
                name,
                host,
            } => Event::TaskStarted {
                component,
                name: self.apply(&name),
                host: self.apply(&host),
            },
            Event::Task {
                component,
                name,
                host,
                status,
                duration_ms,
                msg,
            } => Event::Task {
                component,
                name: self.apply(&name),
                host: self.apply(&host),
                status,
                duration_ms,
                msg: msg.map(|msg| self.apply(&msg)),
            },
            Event::ComponentFinished {
                name,
                status,
                duration_ms,
                changed,
                failure,
            } => Event::ComponentFinished {
                name,
                status,
                duration_ms,
                changed,
                failure: failure.map(|failure| self.failure(failure)),
            },
            // Names of the catalogue, digests and numbers: nothing that came from outside.
            event @ (Event::RunStarted { .. }
            | Event::HostConnected { .. }
            | Event::BundleReady { .. }
            | Event::ComponentStarted(_)
            | Event::RunFinished { .. }) => event,
        }
    }
}

/// The encodings of a text, also as a part of a longer one that was encoded as a whole: its bytes stand there in one of
/// three ways, of which the characters that are not shared with neighbours are always the same.
fn in_base64(secret: &[u8]) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([STANDARD.encode(secret)]);
    for shift in 0..3 {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(secret);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            let begin = [0, 2, 3][shift];
            let end = encoded.len() - usize::from(padded.len() % 3 != 0);
            // Short ones would blot out words that only look alike.
            forms.extend(
                encoded
                    .get(begin..end)
                    .filter(|form| form.len() >= SHORTEST_ENCODED)
                    .map(str::to_owned),
            );
        }
    }
    forms
}

/// The text as it stands between the quotes of JSON.
fn in_json(secret: &str) -> String {
    let quoted = serde_json::Value::from(secret).to_string();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or(&quoted).to_owned()
}

/// The text as it stands in an address.
fn in_url(secret: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    secret.bytes().map(escaped).collect()
}

/// What is secret in a kubeconfig; the rest are addresses and names, which errors need. One that cannot be read is
/// refused before anything is said.
fn secrets_of_kubeconfig(yaml: &str) -> Vec<SecretString> {
    let users = Kubeconfig::from_yaml(yaml).map(|kubeconfig| kubeconfig.auth_infos);
    let users = users
        .into_iter()
        .flatten()
        .filter_map(|user| user.auth_info);
    users
        .flat_map(|user| [user.token, user.client_key_data, user.password])
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_blotted_out_in_every_form() {
        let masks = Masks::new([
            "pass\"word-1",
            "-----BEGIN KEY-----\nAAAABBBBCCCCDDDD\n-----END KEY-----\n",
        ]);
        for leaked in [
            "it is pass\"word-1!",
            r#"{"json": "pass\"word-1"}"#,
            "b64: cGFzcyJ3b3JkLTE=",
            "one line: AAAABBBBCCCCDDDD",
            "https://admin:pass%22word-1@registry.example",
            r#"nested: "{\"json\": \"pass\\\"word-1\"}""#,
        ] {
            let clean = masks.apply(leaked);
            assert!(clean.contains(BLOT), "{clean}");
            assert!(
                !clean.contains("word-1") && !clean.contains("BBBB") && !clean.contains("cGFz"),
                "{clean}"
            );
        }
        assert_eq!(masks.apply("nothing to hide"), "nothing to hide");
    }

    #[test]
    fn a_secret_is_found_inside_of_what_was_encoded_as_a_whole() {
        let secret = "canary-secret-value";
        let masks = Masks::new([secret]);
        for before in ["", "u", "us", "user:"] {
            for encoded in [
                STANDARD.encode(format!("{before}{secret}")),
                STANDARD.encode(format!("{before}{secret}@host")),
                URL_SAFE_NO_PAD.encode(format!("{before}{secret}?>")),
            ] {
                let clean = masks.apply(&format!("Basic {encoded}"));
                let left = clean.replace("Basic ", "").replace(BLOT, "");
                let decoded = STANDARD_NO_PAD.decode(left.trim_end_matches('='));
                assert!(clean.contains(BLOT), "{encoded} -> {clean}");
                assert!(
                    !String::from_utf8_lossy(&decoded.unwrap_or_default()).contains("secret"),
                    "{clean}"
                );
            }
        }
    }

    #[test]
    fn the_longer_secret_wins_and_short_texts_are_left_alone() {
        let masks = Masks::new(["abcd", "abcd-efgh", "ab"]);
        assert_eq!(masks.apply("abcd-efgh ab abcd"), "******** ab ********");
    }

    #[test]
    fn a_kubeconfig_gives_its_keys_and_not_its_addresses() {
        let yaml = r#"
clusters: [{name: it, cluster: {server: "https://1.2.3.4"}}]
users:
- name: admin
  user:
    token: "tok-123"
    client-key-data: S0VZ
- {"name": "other", "user": {"password": "pass-1"}}
"#;
        let found = secrets_of_kubeconfig(yaml);
        let found: Vec<&str> = found.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(found, ["tok-123", "S0VZ", "pass-1"]);
    }

    #[test]
    fn events_are_cleaned_to_their_last_text() {
        let masks = Masks::new(["canary"]);
        let failure = Failure {
            play: None,
            task: Some("say canary".into()),
            host: None,
            cause: "canary".into(),
            advice: "no canary".into(),
            code: "SLW-340".into(),
        };
        let event = Event::ComponentFinished {
            name: "kong".into(),
            status: run_report::ComponentStatus::Failed,
            duration_ms: 1,
            changed: 0,
            failure: Some(failure),
        };
        assert!(!format!("{:?}", masks.event(event)).contains("canary"));
    }
}
