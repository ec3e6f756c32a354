//! What the program is told: one JSON file. Secrets stand in files of their own, which it names.

use crate::estimate::Sizes;
use crate::{audit, console, idempotency, limits, traces};
use claims::EnvironmentType;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The platform whose buckets these are, as their object `.platform-id` says.
    pub platform: String,
    /// Address of the interface, the console, metrics and health.
    pub listen: SocketAddr,
    /// Address on loopback where an OPAL client delivers policies; without it they come from nowhere else.
    pub policy_listen: Option<SocketAddr>,
    /// The object store.
    pub store: Store,
    /// Who may say who somebody is.
    pub identity: crate::identity::Settings,
    /// What they may do.
    #[serde(default)]
    pub policies: crate::policy::Settings,
    /// Where it is written down what was done.
    pub audit: Audit,
    /// How often somebody may ask.
    #[serde(default)]
    pub rate: Rate,
    /// Where environments are looked for by their contents.
    pub search: Option<Search>,
    /// Where static environments are proposed.
    pub gitlab: Option<GitLab>,
    /// How people sign in to the page that is served beside the interface.
    pub console: Option<Console>,
    /// Where traces go.
    pub traces: Option<Traces>,
    /// Types that are managed in Git and nowhere else.
    #[serde(default)]
    pub git_types: BTreeSet<TypeName>,
    /// Types that must be unprotected before they may be deleted.
    #[serde(default)]
    pub protected_types: BTreeSet<TypeName>,
    /// Nodes of each pool of each type, for those who ask before they do.
    #[serde(default)]
    pub sizes: Sizes,
    /// A saved answer of the cloud's `GET /v2/plans`, for prices.
    pub plans_file: Option<PathBuf>,
    /// Seconds between two looks at the buckets.
    #[serde(default = "ten")]
    pub sweep_seconds: u64,
    /// Seconds that a request may take.
    #[serde(default = "thirty")]
    pub request_seconds: u64,
}

/// A type of environment in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct TypeName(pub EnvironmentType);

/// The object store and its buckets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The server, as `http://address:port` or `https://…`.
    pub endpoint: String,
    /// Its region; servers without regions take any.
    #[serde(default = "region")]
    pub region: String,
    /// A file with the name of the key.
    pub access_key_file: PathBuf,
    /// A file with the key.
    pub secret_key_file: PathBuf,
    /// The authority that signed the server's certificate.
    pub ca_file: Option<PathBuf>,
    /// The bucket that this program writes.
    #[serde(default = "environments")]
    pub bucket: String,
    /// The bucket that a pipeline writes.
    pub static_bucket: Option<String>,
    /// The bucket of the controller's statuses.
    pub status_bucket: Option<String>,
}

/// The audit log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Its folder; one process writes there.
    pub directory: PathBuf,
    /// A file that has grown beyond this many bytes is followed by a new one.
    #[serde(default = "hundred_megabytes")]
    pub rotate_at: u64,
}

/// Requests of one principal.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a second, for good.
    pub per_second: NonZeroU32,
    /// Requests at once after a quiet time.
    pub burst: NonZeroU32,
}

/// The search engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Its address.
    pub address: Url,
    /// Name to sign in with.
    pub user: Option<String>,
    /// A file with the password of that name, or with an API key when there is no name.
    pub secret_file: Option<PathBuf>,
    /// The authority that signed its certificate.
    pub ca_file: Option<PathBuf>,
}

/// A GitLab.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitLab {
    /// Its address.
    pub url: Url,
    /// A file with a token of scope `api`.
    pub token_file: PathBuf,
    /// Folder of the claims in a repository.
    #[serde(default = "environments")]
    pub folder: String,
}

/// The page for people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// The issuer that people sign in at.
    pub issuer: Url,
    /// The name under which the issuer knows the page.
    pub client_id: String,
    /// What the page asks for.
    #[serde(default = "openid")]
    pub scopes: Vec<String>,
    /// The audience that this interface wants in a token, for issuers that want to be told.
    pub resource: Option<String>,
}

/// Where traces go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// The collector's OTLP/gRPC address.
    pub endpoint: Url,
    /// The part of new traces that is kept, from 0 to 1.
    pub sample: f64,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file does not come.
    #[error("SLW-530: the file {} cannot be read: {why}; name a file that this program may read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The file does not hold settings.
    #[error("SLW-531: the settings in {} cannot be used: {why}; correct them", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl Settings {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let bytes = file(path)?;
        serde_json::from_slice(&bytes).map_err(|error| SettingsError::Content {
            path: path.to_owned(),
            why: error.to_string(),
        })
    }
}

impl Store {
    /// Access to one of the buckets.
    pub fn access(&self, bucket: &str) -> Result<claim_store::Settings, SettingsError> {
        Ok(claim_store::Settings {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: bucket.to_owned(),
            access_key: secret(&self.access_key_file)?,
            secret_key: secret(&self.secret_key_file)?,
            ca_pem: self.ca_file.as_deref().map(text).transpose()?,
            limits: claim_store::Limits::default(),
        })
    }
}

impl Search {
    /// Access to the engine.
    pub fn access(&self) -> Result<search::Settings, SettingsError> {
        let secret = self.secret_file.as_deref().map(secret).transpose()?;
        let access = match (&self.user, secret) {
            (_, None) => search::Access::Open,
            (None, Some(key)) => search::Access::ApiKey(key),
            (Some(user), Some(password)) => search::Access::Basic {
                user: user.clone(),
                password,
            },
        };
        Ok(search::Settings {
            address: self.address.clone(),
            access,
            ca_pem: self.ca_file.as_deref().map(text).transpose()?,
            limits: search::Limits::default(),
        })
    }
}

impl From<&Console> for console::Settings {
    fn from(console: &Console) -> Self {
        Self {
            issuer: console.issuer.clone(),
            client_id: console.client_id.clone(),
            scopes: console.scopes.clone(),
            resource: console.resource.clone(),
        }
    }
}

impl From<&Audit> for audit::Settings {
    fn from(audit: &Audit) -> Self {
        Self {
            directory: audit.directory.clone(),
            rotate_at: audit.rotate_at,
        }
    }
}

impl From<Rate> for limits::Settings {
    fn from(rate: Rate) -> Self {
        Self {
            per_second: rate.per_second,
            burst: rate.burst,
            principals: 100_000,
        }
    }
}

impl From<&Traces> for traces::Settings {
    fn from(traces: &Traces) -> Self {
        Self {
            endpoint: traces.endpoint.clone(),
            sample: traces.sample,
        }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            per_second: NonZeroU32::MIN.saturating_add(49),
            burst: NonZeroU32::MIN.saturating_add(199),
        }
    }
}

impl TryFrom<String> for TypeName {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse().map(Self)
    }
}

/// How many answers are remembered for requests that are sent again: a day's worth of a busy platform.
#[must_use]
pub fn remembered() -> idempotency::Settings {
    idempotency::Settings {
        answers: 10_000,
        body: 64 * 1024,
        keep: Duration::from_hours(24),
    }
}

/// A secret from its file, without the end of its line.
pub fn secret(path: &Path) -> Result<SecretString, SettingsError> {
    Ok(SecretString::from(text(path)?.trim_end().to_owned()))
}

fn text(path: &Path) -> Result<String, SettingsError> {
    let bytes = file(path)?;
    String::from_utf8(bytes).map_err(|error| SettingsError::Content {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

/// A file's contents.
pub fn file(path: &Path) -> Result<Vec<u8>, SettingsError> {
    std::fs::read(path).map_err(|error| SettingsError::File {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

fn region() -> String {
    "us-east-1".to_owned()
}

fn environments() -> String {
    "environments".to_owned()
}

fn openid() -> Vec<String> {
    vec![
        "openid".to_owned(),
        "email".to_owned(),
        "profile".to_owned(),
    ]
}

const fn hundred_megabytes() -> u64 {
    100 * 1024 * 1024
}

const fn ten() -> u64 {
    10
}

const fn thirty() -> u64 {
    30
}
