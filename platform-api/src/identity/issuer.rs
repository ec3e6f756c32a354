//! Asking an issuer for its keys: discovery, then the key set.

use super::settings::{IssuerSettings, SettingsError};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use reqwest::{Certificate, Client};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(2);
const WHOLE_CALL: Duration = Duration::from_secs(5);
/// Key sets have some kilobytes.
const LARGEST: usize = 512 * 1024;

/// The way to an issuer.
#[derive(Clone, Debug)]
pub(super) struct Source {
    http: Client,
    issuer: String,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Source {
    /// The way to an issuer, with its certificate authority read.
    pub(super) fn new(settings: &IssuerSettings) -> Result<Self, SettingsError> {
        let wrong = |why: String| SettingsError { why };
        let mut http = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(WHOLE_CALL)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(file) = &settings.ca_file {
            let pem = std::fs::read(file).map_err(|error| {
                wrong(format!(
                    "`ca_file` {} cannot be read: {error}",
                    file.display()
                ))
            })?;
            let holds_none = |why: String| {
                wrong(format!(
                    "`ca_file` {} holds no certificate{why}",
                    file.display()
                ))
            };
            let authorities = Certificate::from_pem_bundle(&pem)
                .map_err(|error| holds_none(format!(": {error}")))?;
            if authorities.is_empty() {
                return Err(holds_none(String::new()));
            }
            http = http.tls_certs_only(authorities);
        }
        if settings.issuer.starts_with("http:") {
            // A loopback address: nothing stands between it and us.
            http = http.no_proxy();
        }
        let http = http
            .build()
            .map_err(|error| wrong(format!("no HTTP client can be made: {error}")))?;
        Ok(Self {
            http,
            issuer: settings.issuer.clone(),
        })
    }

    /// The public keys that the issuer signs with now.
    pub(super) async fn keys(&self) -> Result<Vec<Jwk>, String> {
        let well_known = format!(
            "{}/.well-known/openid-configuration",
            self.issuer.trim_end_matches('/')
        );
        let discovery: Discovery = self.get(&well_known).await?;
        if discovery.issuer != self.issuer {
            return Err(format!("{well_known} speaks for another issuer"));
        }
        if self.issuer.starts_with("https:") && !discovery.jwks_uri.starts_with("https:") {
            return Err(format!(
                "{well_known} names keys that are not reached by https"
            ));
        }
        let set: KeySet = self.get(&discovery.jwks_uri).await?;
        // A key of a kind that we do not know is none of ours; the others are as good as they were.
        let keys = set
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<Jwk> = keys
            .filter(|key| {
                matches!(
                    key.common.public_key_use,
                    None | Some(PublicKeyUse::Signature)
                )
            })
            .collect();
        if keys.is_empty() {
            return Err(format!(
                "{} holds no key to check signatures with",
                discovery.jwks_uri
            ));
        }
        Ok(keys)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, address: &str) -> Result<T, String> {
        let failed = |error: reqwest::Error| {
            format!("{address} cannot be read: {}", causes(&error.without_url()))
        };
        let mut answer = self.http.get(address).send().await.map_err(failed)?;
        if !answer.status().is_success() {
            return Err(format!("{address} answers {}", answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            body.extend_from_slice(&piece);
            if body.len() > LARGEST {
                return Err(format!("{address} answers more than 512 KiB"));
            }
        }
        serde_json::from_slice(&body)
            .map_err(|error| format!("{address} does not answer what it should: {error}"))
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
