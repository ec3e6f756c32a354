//! Where the bucket is and how long it may take to answer.

use secrecy::SecretString;
use std::time::Duration;

/// Access to one bucket.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server, as `http://address:port` or `https://…`.
    pub endpoint: String,
    /// Its region; servers without regions take any.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The key's name.
    pub access_key: SecretString,
    /// The key.
    pub secret_key: SecretString,
    /// The authority that signed the server's certificate, if it is not one that the machine trusts anyway.
    pub ca_pem: Option<String>,
    /// How long things may take.
    pub limits: Limits,
}

/// How long things may take, and how much is asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// One request and its answer.
    pub attempt: Duration,
    /// One request with its repetitions.
    pub operation: Duration,
    /// Keys in a page of a listing; servers cap it at 1000.
    pub page: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(15),
            operation: Duration::from_secs(40),
            page: 1000,
        }
    }
}
