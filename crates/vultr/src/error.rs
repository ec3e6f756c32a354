//! What can go wrong with a call, in the words that a user meets.

use std::fmt;
use std::time::Duration;

use reqwest::Method;

use crate::decode::DecodeFailure;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The call that an error is about: method and path, never a query, a header or a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// HTTP method.
    pub method: Method,
    /// Path from the host's root.
    pub path: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What the API said when it refused a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The API's own text.
    pub text: String,
    /// Identifier for the vendor's support, when the answer carried one.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.text.is_empty() {
            "no text"
        } else {
            &self.text
        };
        write!(f, "{text} (HTTP {}", self.status)?;
        if let Some(id) = &self.request_id {
            write!(f, ", request {id}")?;
        }
        f.write_str(")")
    }
}

/// Every way in which a call can fail. The variant is the cause; [`Error::code`] is its page in the documentation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key is wrong, or not allowed from this address.
    #[error(
        "SLW-201: Vultr did not accept the API key for {call}: {refusal}. Check VULTR_API_KEY and, in the account's API settings, the addresses that may use it"
    )]
    Unauthorized {
        /// The call.
        call: Call,
        /// The API's answer.
        refusal: Refusal,
    },
    /// The key is right and may not do this.
    #[error(
        "SLW-202: the API key may not do {call}: {refusal}. Give its user the permission that the call needs"
    )]
    Forbidden {
        /// The call.
        call: Call,
        /// The API's answer.
        refusal: Refusal,
    },
    /// The object, or the object that it lives in, does not exist.
    #[error(
        "SLW-203: {call} is about an object that does not exist: {refusal}. It was deleted outside; refresh and try again"
    )]
    NotFound {
        /// The call.
        call: Call,
        /// The API's answer.
        refusal: Refusal,
    },
    /// The API refused the request as it stands.
    #[error("SLW-204: Vultr refused {call}: {refusal}. Change what the text names and try again")]
    Refused {
        /// The call.
        call: Call,
        /// The API's answer.
        refusal: Refusal,
    },
    /// The object is in use or in the middle of something, and the API refused for now.
    #[error("SLW-205: {call} is not possible yet: {refusal}. Try again when the object is free")]
    Busy {
        /// The call.
        call: Call,
        /// The API's answer.
        refusal: Refusal,
    },
    /// Too many requests from this address, also after waiting as told.
    #[error(
        "SLW-206: Vultr still limits the rate of requests after {attempts} attempts at {call}: {refusal}. Other programs behind the same address share the limit; try again later"
    )]
    RateLimited {
        /// The call.
        call: Call,
        /// How often it was sent.
        attempts: u32,
        /// The API's answer.
        refusal: Refusal,
    },
    /// The API failed, also after repeats.
    #[error(
        "SLW-207: Vultr failed {attempts} times to answer {call}: {refusal}. Try again; status.vultr.com tells of outages"
    )]
    Server {
        /// The call.
        call: Call,
        /// How often it was sent.
        attempts: u32,
        /// The API's answer.
        refusal: Refusal,
    },
    /// No connection, a broken connection or no answer in time.
    #[error(
        "SLW-208: no answer to {call} after {attempts} attempts: {reason}. Check the network, the proxy and the API's address"
    )]
    Unreachable {
        /// The call.
        call: Call,
        /// How often it was sent.
        attempts: u32,
        /// The cause, without the address.
        reason: String,
    },
    /// A call that makes something got no certain answer: it may have worked.
    #[error(
        "SLW-209: the answer to {call} was lost ({reason}), so it is not known whether it worked. Apply again: what was made is found by its mark"
    )]
    Unanswered {
        /// The call.
        call: Call,
        /// Why there is no answer.
        reason: String,
    },
    /// The answer is not what the API promises.
    #[error(
        "SLW-210: the answer to {call} cannot be read at `{field}`: {reason}. Nothing was concluded from it; check that the address is that of a Vultr v2 API"
    )]
    Decode {
        /// The call.
        call: Call,
        /// Path of the field inside the answer.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An answer that no rule covers, such as a redirect or a page of a proxy.
    #[error(
        "SLW-211: {call} was answered by something that is not the Vultr API: {reason}. Check the API's address and the proxy"
    )]
    NotTheApi {
        /// The call.
        call: Call,
        /// What came instead.
        reason: String,
    },
    /// A listing came to no end or stayed shorter than it said.
    #[error(
        "SLW-212: the listing {call} is not complete: {reason}. Nothing was concluded from it; try again"
    )]
    Incomplete {
        /// The call.
        call: Call,
        /// What is wrong.
        reason: String,
    },
    /// More than one object carries a mark that only one may carry.
    #[error(
        "SLW-213: {} objects of kind {kind} carry the mark `{mark}`: {}. Delete or rename all but the right one", ids.len(), ids.join(", ")
    )]
    Ambiguous {
        /// What kind of object.
        kind: &'static str,
        /// The mark.
        mark: String,
        /// Every object that carries it.
        ids: Vec<String>,
    },
    /// A wait passed its deadline.
    #[error(
        "SLW-214: {what} did not come within {}: last seen {last}. Raise the timeout or look at the object in the Vultr console", spell(*.deadline)
    )]
    Deadline {
        /// What was waited for.
        what: String,
        /// How long.
        deadline: Duration,
        /// The last state seen.
        last: String,
    },
    /// The caller asked a wait to stop.
    #[error(
        "SLW-215: stopped while waiting for {what}: last seen {last}. Apply again to go on from there"
    )]
    Stopped {
        /// What was waited for.
        what: String,
        /// The last state seen.
        last: String,
    },
    /// The client cannot be made from what it was given.
    #[error("SLW-216: {what} cannot be used: {reason}. {advice}")]
    Configuration {
        /// Which setting.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A request that cannot be sent, such as one about an object without an id.
    #[error(
        "SLW-217: {call} was not sent: {reason}. This is a fault of the program, please report it"
    )]
    Unsendable {
        /// The call.
        call: Call,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// The stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "SLW-201",
            Self::Forbidden { .. } => "SLW-202",
            Self::NotFound { .. } => "SLW-203",
            Self::Refused { .. } => "SLW-204",
            Self::Busy { .. } => "SLW-205",
            Self::RateLimited { .. } => "SLW-206",
            Self::Server { .. } => "SLW-207",
            Self::Unreachable { .. } => "SLW-208",
            Self::Unanswered { .. } => "SLW-209",
            Self::Decode { .. } => "SLW-210",
            Self::NotTheApi { .. } => "SLW-211",
            Self::Incomplete { .. } => "SLW-212",
            Self::Ambiguous { .. } => "SLW-213",
            Self::Deadline { .. } => "SLW-214",
            Self::Stopped { .. } => "SLW-215",
            Self::Configuration { .. } => "SLW-216",
            Self::Unsendable { .. } => "SLW-217",
        }
    }

    /// Whether the object of the call is proved not to exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether the key is the trouble: nothing else can work either.
    #[must_use]
    pub fn is_access(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::Forbidden { .. })
    }

    /// Whether the object was locked or in use, so that the same call may work later.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// Whether the cause lies on the way or in the API, and not in what was asked.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Server { .. }
                | Self::Unreachable { .. }
                | Self::Unanswered { .. }
                | Self::Incomplete { .. }
        )
    }

    pub(crate) fn decode(call: Call, failure: DecodeFailure) -> Self {
        Self::Decode {
            call,
            field: failure.field,
            reason: failure.reason,
        }
    }
}

/// `None` where the error is a proof of absence.
pub(crate) fn absent<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, 0) => format!("{} ms", duration.as_millis()),
        (0, s) => format!("{s} s"),
        (m, 0) => format!("{m} min"),
        (m, s) => format!("{m} min {s} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_what_to_which_object_why_and_what_to_do() {
        let error = Error::Refused {
            call: Call {
                method: Method::POST,
                path: "/v2/kubernetes/clusters".into(),
            },
            refusal: Refusal {
                status: 400,
                text: "Bad request.".into(),
                request_id: Some("7f3a".into()),
            },
        };
        assert_eq!(
            error.to_string(),
            "SLW-204: Vultr refused POST /v2/kubernetes/clusters: Bad request. (HTTP 400, request 7f3a). Change what the text names and try again"
        );
        assert!(error.to_string().starts_with(error.code()));
    }

    #[test]
    fn durations_read_like_a_clock() {
        assert_eq!(spell(Duration::from_hours(1)), "60 min");
        assert_eq!(spell(Duration::from_secs(90)), "1 min 30 s");
        assert_eq!(spell(Duration::from_millis(200)), "200 ms");
    }
}
