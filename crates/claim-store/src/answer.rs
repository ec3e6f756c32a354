//! What an answer of the server, or its lack, means for the caller.

use crate::error::StoreError;
use crate::store::ClaimStore;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use std::error::Error;

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The condition of a write did not hold.
    ConditionFailed,
    /// There is no such object.
    NoObject,
    /// It may have happened or not: no answer, half an answer, or a server in trouble.
    Unclear(String),
    /// It did not happen and will not.
    Final(Refusal),
}

/// Why it will not happen.
#[derive(Debug)]
pub(crate) enum Refusal {
    NoBucket,
    Denied(String),
    Other(String),
}

impl Trouble {
    /// Reads an SDK error.
    pub(crate) fn from<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let SdkError::ServiceError(answer) = error else {
            return match error {
                SdkError::ConstructionFailure(_) => {
                    Self::Final(Refusal::Other(DisplayErrorContext(error).to_string()))
                }
                _ => Self::Unclear(DisplayErrorContext(error).to_string()),
            };
        };
        let status = answer.raw().status().as_u16();
        let (code, message) = (
            answer.err().code().unwrap_or_default(),
            answer.err().message().unwrap_or_default(),
        );
        let why = format!("HTTP {status} {code} {message}")
            .trim_end()
            .to_owned();
        match (status, code) {
            (404, "NoSuchBucket") => Self::Final(Refusal::NoBucket),
            (404, _) => Self::NoObject,
            // 409: another write at the same moment; the writer looks what came of it, as after 412.
            (409 | 412, _) => Self::ConditionFailed,
            (401 | 403, _) => Self::Final(Refusal::Denied(why)),
            (408 | 429 | 500.., _) => Self::Unclear(why),
            _ => Self::Final(Refusal::Other(why)),
        }
    }
}

impl ClaimStore {
    /// The error for trouble that nobody can do anything about.
    pub(crate) fn give_up(&self, action: &str, trouble: Trouble) -> StoreError {
        let action = action.to_owned();
        match trouble {
            Trouble::Unclear(why) => StoreError::Unreachable {
                endpoint: self.endpoint.clone(),
                action,
                why,
            },
            Trouble::Final(Refusal::NoBucket) => StoreError::NoBucket {
                bucket: self.bucket.clone(),
            },
            Trouble::Final(Refusal::Denied(why)) => StoreError::Denied { action, why },
            Trouble::Final(Refusal::Other(why)) => StoreError::Refused { action, why },
            Trouble::NoObject => StoreError::Refused {
                action,
                why: "there is no such object".to_owned(),
            },
            Trouble::ConditionFailed => StoreError::Refused {
                action,
                why: "a condition failed".to_owned(),
            },
        }
    }
}
