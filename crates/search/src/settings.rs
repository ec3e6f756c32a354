//! Where the engine is and how long it may take to answer.

use secrecy::SecretString;
use std::time::Duration;
use url::Url;

/// Access to one engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The engine, as `http://address:port` or `https://…`; a path before the engine's own is kept.
    pub address: Url,
    /// Who asks.
    pub access: Access,
    /// The authority that signed the engine's certificate, if it is not one that the machine trusts anyway.
    pub ca_pem: Option<String>,
    /// How long things may take.
    pub limits: Limits,
}

/// Who asks. The secrets come from files; they are sent in the header of each request and shown nowhere.
#[derive(Clone, Debug)]
pub enum Access {
    /// Nobody in particular: the engine asks for no name.
    Open,
    /// Name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// An API key of Elasticsearch, in its encoded form.
    ApiKey(SecretString),
}

/// How long things may take, and how much is sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// One question and its answer.
    pub question: Duration,
    /// One batch of documents and its answer; also the making and dropping of an index.
    pub batch: Duration,
    /// Documents in a batch.
    pub documents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            question: Duration::from_secs(5),
            batch: Duration::from_secs(30),
            documents: 1000,
        }
    }
}
