//! `WWW-Authenticate: Bearer`: where a registry sends those who come without a token.

use std::collections::BTreeMap;
use url::Url;

/// Where to get a token, and for what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) realm: Url,
    pub(crate) service: Option<String>,
    pub(crate) scope: Option<String>,
}

impl Challenge {
    /// `None` for every other scheme and for a realm that is no address.
    pub(crate) fn read(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut fields = parameters(rest);
        Some(Self {
            realm: fields.remove("realm")?.parse().ok()?,
            service: fields.remove("service"),
            scope: fields.remove("scope"),
        })
    }

    /// Whether a password for `registry` may be sent there: over TLS, or to the very host that it belongs to.
    pub(crate) fn may_have_password_of(&self, registry: &Url) -> bool {
        self.realm.scheme() == "https" || self.realm.host() == registry.host()
    }

    /// The address to ask, with what is asked for.
    pub(crate) fn address(&self) -> Url {
        let mut address = self.realm.clone();
        for (name, value) in [("service", &self.service), ("scope", &self.scope)] {
            if let Some(value) = value {
                address.query_pairs_mut().append_pair(name, value);
            }
        }
        address
    }
}

/// `name="value"` pairs; a comma inside quotes is part of its value.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        found.insert(name, value.to_owned());
        rest = next;
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_challenge_with_a_comma_in_its_scope_is_read_whole() {
        let challenge = Challenge::read(
            r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push""#,
        )
        .unwrap();
        assert_eq!(
            challenge.address().as_str(),
            "https://auth.example/token?service=registry.example&scope=repository%3Aa%2Fb%3Apull%2Cpush"
        );
    }

    #[test]
    fn other_schemes_and_broken_realms_are_none() {
        for header in [
            "Basic realm=\"x\"",
            "Bearer",
            "Bearer realm=\"no address\"",
            "Bearer scope=\"a\"",
            "",
        ] {
            assert_eq!(Challenge::read(header), None, "{header}");
        }
    }

    #[test]
    fn a_password_goes_to_its_own_host_or_over_tls() {
        let registry: Url = "http://registry.example:5000/".parse().unwrap();
        let to = |realm: &str| {
            Challenge::read(&format!("Bearer realm=\"{realm}\""))
                .unwrap()
                .may_have_password_of(&registry)
        };
        assert!(to("https://auth.example/token"));
        assert!(to("http://registry.example:9000/token"));
        assert!(!to("http://elsewhere.example/token"));
    }
}
