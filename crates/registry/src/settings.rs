//! Where the registry is and how it is to be used.

use secrecy::SecretString;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Says what time it is; the ages of what is cached are measured with it.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How to reach a registry.
#[derive(Clone)]
pub struct Settings {
    /// Address below which `/v2/` answers. Artifactory's repositories by path have one: `https://host/artifactory/api/docker/KEY/`.
    pub address: Url,
    /// Who asks; `None` reads what anybody may read.
    pub credentials: Option<Credentials>,
    /// How long a listing of tags is good for.
    pub listing_lifetime: Duration,
    /// How long a failure is told to everybody who asks, before the registry is asked again.
    pub failure_lifetime: Duration,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// The clock.
    pub clock: Clock,
}

/// A name and its password or token.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password, or an access token.
    pub password: SecretString,
}

impl Settings {
    /// The usual settings: listings for a minute, failures for five seconds, thirty seconds a request.
    #[must_use]
    pub fn new(address: Url) -> Self {
        Self {
            address,
            credentials: None,
            listing_lifetime: Duration::from_mins(1),
            failure_lifetime: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            clock: Arc::new(Instant::now),
        }
    }
}
