//! One request to the engine, bounded in time, and what its answer means.

use crate::error::SearchError;
use crate::settings::{Access, Limits, Settings};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Certificate, Client, Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// As much of the engine's words as fits into a message.
const WORDS: usize = 400;

/// The engine as it is reached.
pub(crate) struct Wire {
    http: Client,
    /// Ends with a slash.
    address: Url,
    access: Access,
    pub(crate) carry: fn(&mut HeaderMap),
    pub(crate) limits: Limits,
}

/// What a request carries.
pub(crate) enum Body {
    Nothing,
    Json(Value),
    /// Lines of JSON, for batches.
    Lines(String),
}

/// What a request is for, as messages name it, and how long it may take.
#[derive(Clone, Copy)]
pub(crate) struct Purpose {
    pub(crate) action: &'static str,
    pub(crate) limit: Duration,
}

impl Wire {
    pub(crate) fn new(settings: Settings) -> Result<Self, SearchError> {
        let Settings {
            mut address,
            access,
            ca_pem,
            limits,
        } = settings;
        let shown = shown(&address);
        let refuse = |why: String| SearchError::Settings {
            address: shown.clone(),
            why,
        };
        if !matches!(address.scheme(), "http" | "https") || address.host().is_none() {
            return Err(refuse(
                "the address must start with http:// or https:// and name a host".to_owned(),
            ));
        }
        if !address.username().is_empty() || address.password().is_some() {
            return Err(refuse(
                "name and password do not belong into the address; give them as user and password_file".to_owned(),
            ));
        }
        if !address.path().ends_with('/') {
            address.set_path(&format!("{}/", address.path()));
        }
        let mut http = Client::builder()
            .connect_timeout(limits.connect)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = ca_pem {
            let authorities = Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|error| refuse(format!("the certificate authority is no PEM: {error}")))?;
            if authorities.is_empty() {
                return Err(refuse(
                    "the certificate authority holds no certificate".to_owned(),
                ));
            }
            // Only this authority then: whoever names one does not want the machine's hundred others to count too.
            http = http.tls_certs_only(authorities);
        }
        Ok(Self {
            http: http.build().map_err(|error| refuse(plain(&error)))?,
            address,
            access,
            carry: |_| {},
            limits,
        })
    }

    /// The engine, as messages name it.
    pub(crate) fn engine(&self) -> String {
        shown(&self.address)
    }

    /// A question: short, and short of patience.
    pub(crate) fn question(&self, action: &'static str) -> Purpose {
        Purpose {
            action,
            limit: self.limits.question,
        }
    }

    /// Work: larger, and given more time.
    pub(crate) fn work(&self, action: &'static str) -> Purpose {
        Purpose {
            action,
            limit: self.limits.batch,
        }
    }

    /// Sends a request and gives the answer's JSON, if it is one of success.
    pub(crate) async fn ask(
        &self,
        purpose: Purpose,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<Value, SearchError> {
        let address = self
            .address
            .join(path)
            .map_err(|error| self.unusable(purpose, format!("{path}: {error}")))?;
        let mut headers = HeaderMap::new();
        (self.carry)(&mut headers);
        let mut request = self
            .http
            .request(method, address)
            .headers(headers)
            .timeout(purpose.limit);
        request = match &self.access {
            Access::Open => request,
            Access::Basic { user, password } => {
                request.basic_auth(user, Some(password.expose_secret()))
            }
            Access::ApiKey(key) => request.header("authorization", api_key(key)),
        };
        request = match body {
            Body::Nothing => request,
            Body::Json(json) => request.json(&json),
            Body::Lines(lines) => request
                .header(CONTENT_TYPE, "application/x-ndjson")
                .body(lines),
        };
        let answer = request
            .send()
            .await
            .map_err(|error| self.unavailable(purpose, plain(&error)))?;
        self.read(purpose, answer).await
    }

    async fn read(&self, purpose: Purpose, answer: Response) -> Result<Value, SearchError> {
        let status = answer.status();
        let body = answer
            .bytes()
            .await
            .map_err(|error| self.unavailable(purpose, plain(&error)))?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| self.unusable(purpose, format!("no JSON: {error}")));
        }
        let why = format!("{status}, {}", words(&body));
        let address = self.engine();
        let action = purpose.action;
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => SearchError::Denied {
                address,
                action,
                why,
            },
            StatusCode::NOT_FOUND => SearchError::NoIndex {
                address,
                action,
                why,
            },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                SearchError::Unavailable {
                    address,
                    action,
                    why,
                }
            }
            status if status.is_server_error() => SearchError::Unavailable {
                address,
                action,
                why,
            },
            _ => SearchError::Refused {
                address,
                action,
                why,
            },
        })
    }

    pub(crate) fn unavailable(&self, purpose: Purpose, why: String) -> SearchError {
        SearchError::Unavailable {
            address: self.engine(),
            action: purpose.action,
            why,
        }
    }

    pub(crate) fn unusable(&self, purpose: Purpose, why: String) -> SearchError {
        SearchError::Unusable {
            address: self.engine(),
            action: purpose.action,
            why,
        }
    }
}

fn api_key(key: &SecretString) -> reqwest::header::HeaderValue {
    let text = format!("ApiKey {}", key.expose_secret().trim());
    // A key with a line break in it is none; an empty header gets the engine's own refusal.
    let mut value = reqwest::header::HeaderValue::from_str(&text)
        .unwrap_or_else(|_| reqwest::header::HeaderValue::from_static("ApiKey"));
    value.set_sensitive(true);
    value
}

/// The address as messages show it: never with a name or a password in it.
fn shown(address: &Url) -> String {
    let mut address = address.clone();
    let _ = address.set_username("");
    let _ = address.set_password(None);
    address.as_str().trim_end_matches('/').to_owned()
}

/// The cause in the engine's words.
fn words(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let reason = json
        .pointer("/error/reason")
        .or_else(|| json.pointer("/error"))
        .and_then(Value::as_str)
        .map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    reason.trim().chars().take(WORDS).collect()
}

/// The innermost cause says what happened; the layers around it only that something did.
fn plain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "not within the time it has".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
