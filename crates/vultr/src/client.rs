//! The client and how it is made.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::address::Address;
use crate::{Budget, Error, Jitter, Pace, Result, Retry, Wait};

/// A client of one account. Clones share connections, key and request budget.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    http: reqwest::Client,
    address: Address,
    key: SecretString,
    authorization: HeaderValue,
    budget: Budget,
    retry: Retry,
    pace: Pace,
    jitter: Jitter,
}

/// What a client is made from; everything but the key has a default.
#[derive(Debug)]
pub struct Builder {
    key: SecretString,
    address: Option<String>,
    user_agent: String,
    answer_within: Duration,
    budget: Budget,
    retry: Retry,
    pace: Pace,
    jitter: Jitter,
}

impl Client {
    /// Begins a client with the account's key.
    #[must_use]
    pub fn builder(key: SecretString) -> Builder {
        Builder {
            key,
            address: None,
            user_agent: concat!("slipway/", env!("CARGO_PKG_VERSION")).to_owned(),
            answer_within: Duration::from_mins(1),
            budget: Budget::default(),
            retry: Retry::default(),
            pace: Pace::default(),
            jitter: Jitter::system(),
        }
    }

    /// A wait of at most `deadline` at this client's pace.
    #[must_use]
    pub fn wait(&self, deadline: Duration) -> Wait {
        Wait::new(deadline, self.0.pace, self.0.jitter.clone())
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    pub(crate) fn address(&self) -> &Address {
        &self.0.address
    }

    pub(crate) fn key(&self) -> &SecretString {
        &self.0.key
    }

    pub(crate) fn authorization(&self) -> &HeaderValue {
        &self.0.authorization
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    pub(crate) fn retry(&self) -> Retry {
        self.0.retry
    }

    pub(crate) fn pace(&self) -> Pace {
        self.0.pace
    }

    pub(crate) fn jitter(&self) -> &Jitter {
        &self.0.jitter
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.0.address)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Another address than the vendor's, with or without a path prefix and with or without `/v2`.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// How the client names itself.
    #[must_use]
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// How long one attempt may take.
    #[must_use]
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.answer_within = limit;
        self
    }

    /// A budget that other clients of the same address share.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Bounds of repeating a call.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// How fast waits poll.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// The source of randomness.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The client. Nothing is sent yet.
    pub fn build(self) -> Result<Client> {
        let address = match &self.address {
            Some(address) => Address::parse(address)?,
            None => Address::vendor()?,
        };
        let authorization = authorization(&self.key)?;
        let mut http = reqwest::Client::builder()
            .user_agent(self.user_agent)
            .connect_timeout(Duration::from_secs(10))
            .timeout(self.answer_within)
            // A redirect would turn a POST into a GET, or carry the key elsewhere.
            .redirect(reqwest::redirect::Policy::none());
        if address.is_loopback() {
            http = http.no_proxy();
        }
        if !address.is_encrypted() {
            // A rehearsal needs no certificate authorities, so a machine without any can rehearse.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| Error::Configuration {
            what: "the HTTPS client",
            reason: error.without_url().to_string(),
            advice: "Check that the machine has certificate authorities installed",
        })?;
        Ok(Client(Arc::new(Shared {
            http,
            address,
            key: self.key,
            authorization,
            budget: self.budget,
            retry: self.retry,
            pace: self.pace,
            jitter: self.jitter,
        })))
    }
}

fn authorization(key: &SecretString) -> Result<HeaderValue> {
    let refuse = |reason: &str| Error::Configuration {
        what: "the API key",
        reason: reason.into(),
        advice: "Set VULTR_API_KEY to a key of the account, without quotes, spaces or line breaks",
    };
    let text = key.expose_secret();
    if text.is_empty() {
        return Err(refuse("it is empty"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refuse("it holds characters that no key has"));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {text}"))
        .map_err(|_| refuse("it holds characters that no key has"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_cannot_be_one_is_refused_without_being_repeated() {
        for bad in ["", "zq xj", "zqxj\n", "zqxjä"] {
            let error = Client::builder(bad.to_owned().into()).build().unwrap_err();
            assert_eq!(error.code(), "SLW-216");
            assert!(!error.to_string().contains("zq"), "{error}");
        }
    }

    #[test]
    fn nothing_shown_of_a_client_holds_its_key() {
        let builder = Client::builder("canary".to_owned().into());
        assert!(!format!("{builder:?}").contains("canary"));
        let client = builder.build().unwrap();
        assert!(!format!("{client:?} {:?}", client.authorization()).contains("canary"));
    }
}
