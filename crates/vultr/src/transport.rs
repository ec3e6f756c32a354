//! Sending: budget, repeats, and the meaning of statuses. The only place that sees headers and raw bodies.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::decode::{self, DecodeFailure};
use crate::error::Refusal;
use crate::request::{Repeat, Request};
use crate::{Call, Client, Error, Result};

/// How one attempt failed.
enum Failure {
    /// An answer that repeating does not change.
    Final(Error),
    /// 429: the request was turned away at the door.
    Limited {
        refusal: Refusal,
        retry_after: Option<Duration>,
    },
    /// 5xx: the API failed, before or after the effect.
    Server {
        refusal: Refusal,
        retry_after: Option<Duration>,
    },
    /// No whole answer. `sent` is whether the request may have arrived.
    Broken { reason: String, sent: bool },
}

/// A successful answer, whole.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Client {
    /// Sends a request whose answer has a body.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        self.exchange(&request, |answer| decode::read(&answer.body))
            .await
    }

    /// Sends a request whose answer says nothing but that it worked.
    pub(crate) async fn perform(&self, request: Request) -> Result<()> {
        self.exchange(&request, |_| Ok(())).await
    }

    async fn exchange<T>(
        &self,
        request: &Request,
        read: impl Fn(Answer) -> Result<T, DecodeFailure>,
    ) -> Result<T> {
        let retry = self.retry();
        let mut attempts = 0;
        loop {
            attempts += 1;
            self.budget().turn().await;
            let failure = match self.attempt(request, &read).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let patient = failure.retry_after() <= Some(retry.patience);
            if !failure.may_repeat(request.repeat) || !patient || attempts >= retry.attempts {
                return Err(failure.into_error(request, attempts));
            }
            match failure.retry_after() {
                // The limit is counted by address, so everybody behind this client waits.
                Some(pause) => self
                    .budget()
                    .silence_for(pause + self.jitter().spread(retry.first)),
                None => sleep(self.jitter().spread(retry.wait_after(attempts))).await,
            }
        }
    }

    async fn attempt<T>(
        &self,
        request: &Request,
        read: &impl Fn(Answer) -> Result<T, DecodeFailure>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let outcome = self.answer(request).await;
        debug!(
            method = %request.call.method,
            path = %request.call.path,
            status = outcome.as_ref().map_or(0, |answer| answer.status.as_u16()),
            elapsed = ?started.elapsed(),
            "vultr call"
        );
        read(outcome?).map_err(|failure| {
            if failure.cut {
                Failure::Broken {
                    reason: "the answer ended too early".into(),
                    sent: true,
                }
            } else {
                Failure::Final(Error::decode(request.call.clone(), failure))
            }
        })
    }

    async fn answer(&self, request: &Request) -> Result<Answer, Failure> {
        let mut builder = self
            .http()
            .request(request.call.method.clone(), request.url.clone())
            .header(reqwest::header::AUTHORIZATION, self.authorization().clone());
        if let Some(body) = &request.body {
            builder = builder
                .header(CONTENT_TYPE, "application/json")
                .body(body.expose_secret().to_owned());
        }
        let response = builder.send().await.map_err(broken)?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(broken)?.to_vec();
        if status.is_success() {
            return Ok(Answer { status, body });
        }
        Err(self.refused(&request.call, status, &headers, &body))
    }

    fn refused(
        &self,
        call: &Call,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Failure {
        let text = decode::read::<ErrorBody>(body).ok().map(|body| body.error);
        let refusal = Refusal {
            status: status.as_u16(),
            text: self.without_key(text.as_deref().unwrap_or_default()),
            request_id: request_id(headers),
        };
        let retry_after = retry_after(headers);
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Failure::Limited {
                refusal,
                retry_after,
            };
        }
        let call = call.clone();
        if status.is_server_error() && is_busy(&refusal.text) {
            return Failure::Final(Error::Busy { call, refusal });
        }
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
            return Failure::Server {
                refusal,
                retry_after,
            };
        }
        // A refusal in another shape comes from something in between, and proves nothing about the object.
        if text.is_none() {
            return Failure::Final(Error::NotTheApi {
                call,
                reason: format!("HTTP {status} without the API's error text"),
            });
        }
        Failure::Final(meaning(call, refusal))
    }

    fn without_key(&self, text: &str) -> String {
        text.replace(self.key().expose_secret(), "[the API key]")
    }
}

impl Failure {
    fn may_repeat(&self, repeat: Repeat) -> bool {
        match self {
            Self::Final(_) => false,
            Self::Limited { .. } => true,
            Self::Server { .. } => repeat == Repeat::Harmless,
            Self::Broken { sent, .. } => repeat == Repeat::Harmless || !sent,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. } | Self::Server { retry_after, .. } => *retry_after,
            Self::Final(_) | Self::Broken { .. } => None,
        }
    }

    fn into_error(self, request: &Request, attempts: u32) -> Error {
        let call = request.call.clone();
        let doubles = request.repeat == Repeat::Doubles;
        match self {
            Self::Final(error) => error,
            Self::Limited { refusal, .. } => Error::RateLimited {
                call,
                attempts,
                refusal,
            },
            Self::Server { refusal, .. } if doubles => Error::Unanswered {
                call,
                reason: refusal.to_string(),
            },
            Self::Server { refusal, .. } => Error::Server {
                call,
                attempts,
                refusal,
            },
            Self::Broken { reason, sent: true } if doubles => Error::Unanswered { call, reason },
            Self::Broken { reason, .. } => Error::Unreachable {
                call,
                attempts,
                reason,
            },
        }
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(deserialize_with = "decode::text")]
    error: String,
}

/// The one rule of what a refusal means. It goes by status; texts decide only between "no" and "not yet", which the
/// API tells apart in no other way, and in the one case where an absent instance is answered with 400.
fn meaning(call: Call, refusal: Refusal) -> Error {
    match refusal.status {
        401 => Error::Unauthorized { call, refusal },
        403 => Error::Forbidden { call, refusal },
        404 => Error::NotFound { call, refusal },
        400 if is_absent_instance(&call, &refusal.text) => Error::NotFound { call, refusal },
        _ if is_busy(&refusal.text) => Error::Busy { call, refusal },
        _ => Error::Refused { call, refusal },
    }
}

fn is_absent_instance(call: &Call, text: &str) -> bool {
    call.path.contains("/v2/instances/")
        && text
            .trim_end_matches('.')
            .eq_ignore_ascii_case("invalid instance ID")
}

fn is_busy(text: &str) -> bool {
    const WORDS: [&str; 7] = [
        "currently locked",
        "is not ready",
        "activating",
        "activation in progress",
        "attached to this vpc",
        "vpc is attached to",
        "already attached to another server",
    ];
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

fn broken(error: reqwest::Error) -> Failure {
    // A request that met no connection was not sent; everything later may have been.
    let sent = !error.is_connect() && !error.is_builder();
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !reason.ends_with(&cause_text) {
            reason = format!("{reason}: {cause_text}");
        }
        source = cause.source();
    }
    Failure::Broken { reason, sent }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    ["x-request-id", "cf-ray"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
        .map(str::to_owned)
}

/// `Retry-After` in seconds, or as a date measured against the answer's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| jiff::fmt::rfc2822::parse(text).ok();
    let now = moment(headers.get(DATE)?.to_str().ok()?)?;
    let span = moment(text)?.timestamp().duration_since(now.timestamp());
    Some(span.try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::*;

    fn refuse(path: &str, status: u16, text: &str) -> Error {
        meaning(
            Call {
                method: Method::GET,
                path: path.into(),
            },
            Refusal {
                status,
                text: text.into(),
                request_id: None,
            },
        )
    }

    #[test]
    fn absence_goes_by_status_and_has_one_exception() {
        assert!(refuse("/v2/vpcs/1", 404, "Invalid VPC ID").is_not_found());
        assert!(refuse("/v2/vpcs/1", 404, "").is_not_found());
        assert!(refuse("/v2/instances/1", 400, "invalid instance ID").is_not_found());
        assert!(!refuse("/v2/vpcs/1", 400, "invalid instance ID").is_not_found());
        assert!(!refuse("/v2/instances/1", 400, "Invalid plan").is_not_found());
        assert!(!refuse("/v2/vpcs/1", 401, "Invalid API token.").is_not_found());
    }

    #[test]
    fn what_is_in_use_is_told_from_what_is_wrong() {
        for text in [
            "Unable to destroy server: Unable to remove VM: Server is currently locked",
            "Load balancer is not ready.",
            "The following servers are attached to this VPC network: 1.2.3.4",
            "VPC is attached to 1.2.3.4, 1.2.3.5",
            "The following servers are attached to this VPC 2.0 network: 1.2.3.4",
            "Block storage is already attached to another server",
            "Floating IPv4 address is already attached to another server",
            "Load balancer is still activating",
            "activation in progress",
        ] {
            assert!(refuse("/v2/x/1", 400, text).is_busy(), "{text}");
        }
        assert!(!refuse("/v2/x/1", 400, "Bad request.").is_busy());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, "3".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(3)));
        headers.insert(
            RETRY_AFTER,
            "Tue, 24 Nov 2026 10:00:07 GMT".parse().unwrap(),
        );
        assert_eq!(retry_after(&headers), None);
        headers.insert(DATE, "Tue, 24 Nov 2026 10:00:00 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert(
            RETRY_AFTER,
            "Tue, 24 Nov 2026 09:00:00 GMT".parse().unwrap(),
        );
        assert_eq!(retry_after(&headers), Some(Duration::ZERO));
    }
}
