//! Which issuers are believed, and what their tokens mean.

use super::mapping::{AccountRule, People, Pipelines};
use jsonwebtoken::{Algorithm, AlgorithmFamily};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Who is believed, and for how long.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The issuers whose tokens are believed.
    pub issuers: Vec<IssuerSettings>,
    /// Seconds by which the clocks of an issuer and ours may differ.
    #[serde(default = "leeway")]
    pub leeway_seconds: u32,
    /// Seconds after which keys are fetched anew.
    #[serde(default = "refresh")]
    pub refresh_keys_after: u32,
    /// Seconds for which kept keys serve while their issuer is down.
    #[serde(default = "serve")]
    pub keys_serve_for: u32,
    /// Seconds that pass at least between two calls to an issuer, whatever is sent to us.
    #[serde(default = "pause")]
    pub pause_between_fetches: u32,
}

/// An issuer that is believed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// Its name as it stands in `iss`, letter for letter; discovery is below it.
    pub issuer: String,
    /// The audiences that stand for us; a token must name one.
    pub audiences: Vec<String>,
    /// The algorithms that are accepted. Only signatures by a private key are possible.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<SigningAlgorithm>,
    /// File with the certificate authority of the issuer, if the system does not know it.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How tokens of people are read. Without it the issuer has no people.
    #[serde(default)]
    pub people: Option<People>,
    /// How tokens of GitLab pipelines are read. Without it the issuer has no pipelines.
    #[serde(default)]
    pub pipelines: Option<Pipelines>,
    /// Programs by the client id or subject of their token.
    #[serde(default)]
    pub service_accounts: BTreeMap<String, AccountRule>,
}

/// A signature that only the holder of a private key can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the names are those of RFC 7518 and RFC 8037")]
pub enum SigningAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// Settings that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SLW-574: identity settings: {why}; correct the settings file")]
pub struct SettingsError {
    /// What is wrong with which setting.
    pub why: String,
}

impl Settings {
    /// Refuses what could never work or would open a door.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |why: String| Err(SettingsError { why });
        if self.issuers.is_empty() {
            return wrong("`issuers` is empty, so nobody could be recognised".into());
        }
        if self.keys_serve_for < self.refresh_keys_after {
            return wrong("`keys_serve_for` is shorter than `refresh_keys_after`".into());
        }
        for (position, issuer) in self.issuers.iter().enumerate() {
            let name = &issuer.issuer;
            let Ok(address) = url::Url::parse(name) else {
                return wrong(format!("issuer `{name}` is no address"));
            };
            let local = address.host().as_ref().is_some_and(is_loopback);
            if address.scheme() != "https" && !(address.scheme() == "http" && local) {
                return wrong(format!(
                    "issuer `{name}` is not reached by https, so its keys could be anybody's"
                ));
            }
            if issuer.audiences.is_empty() {
                return wrong(format!(
                    "issuer `{name}` has no `audiences`, so tokens for other programs would be believed"
                ));
            }
            if issuer.algorithms.is_empty() {
                return wrong(format!("issuer `{name}` has no `algorithms`"));
            }
            if issuer.people.is_none()
                && issuer.pipelines.is_none()
                && issuer.service_accounts.is_empty()
            {
                return wrong(format!(
                    "issuer `{name}` has neither `people` nor `pipelines` nor `service_accounts`"
                ));
            }
            if self.issuers[..position]
                .iter()
                .any(|other| other.issuer == *name)
            {
                return wrong(format!("issuer `{name}` stands there twice"));
            }
        }
        Ok(())
    }
}

fn is_loopback(host: &url::Host<&str>) -> bool {
    match host {
        url::Host::Domain(name) => *name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    }
}

impl SigningAlgorithm {
    /// The algorithm, as the library knows it.
    pub(super) const fn known(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }
}

/// Whether a public key of this family can check a signature of this algorithm.
pub(super) fn fits(algorithm: Algorithm, family: AlgorithmFamily) -> bool {
    family != AlgorithmFamily::Hmac && algorithm.family() == family
}

const fn leeway() -> u32 {
    30
}

const fn refresh() -> u32 {
    300
}

const fn serve() -> u32 {
    3_600
}

const fn pause() -> u32 {
    10
}

fn algorithms() -> Vec<SigningAlgorithm> {
    vec![
        SigningAlgorithm::RS256,
        SigningAlgorithm::ES256,
        SigningAlgorithm::EdDSA,
    ]
}
