//! One request before it is sent.

use reqwest::Method;
use secrecy::SecretString;
use serde::Serialize;

use crate::{Call, Client, Error, Result};

/// What happens when a request is sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing more than when it is sent once.
    Harmless,
    /// A second object, a second bill.
    Doubles,
}

/// A request: what to call, with what, and whether it may be repeated.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) call: Call,
    pub(crate) url: url::Url,
    pub(crate) body: Option<SecretString>,
    pub(crate) repeat: Repeat,
}

impl Client {
    /// A request to a path below `/v2`. GET, PUT, PATCH and DELETE state what shall be, so repeating them is harmless;
    /// POST makes something.
    pub(crate) fn request(&self, method: Method, segments: &[&str]) -> Result<Request> {
        let repeat = if method == Method::POST {
            Repeat::Doubles
        } else {
            Repeat::Harmless
        };
        let Some(url) = self.address().join(segments) else {
            return Err(Error::Unsendable {
                call: Call {
                    method,
                    path: format!("/v2/{}", segments.join("/")),
                },
                reason: "an object's id is empty or a relative path".into(),
            });
        };
        Ok(Request {
            call: Call {
                method,
                path: url.path().to_owned(),
            },
            url,
            body: None,
            repeat,
        })
    }
}

impl Request {
    /// Adds a query parameter.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Adds a JSON body. It may hold secrets, so it is kept as one.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(body).map_err(|error| Error::Unsendable {
            call: self.call.clone(),
            reason: error.to_string(),
        })?;
        self.body = Some(SecretString::from(text));
        Ok(self)
    }

    /// A POST that states what shall be, such as "halt".
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeat = Repeat::Harmless;
        self
    }
}
