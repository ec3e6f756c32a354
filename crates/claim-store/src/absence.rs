//! What it means that an object is not there.

use crate::answer::Trouble;
use crate::error::StoreError;
use crate::store::ClaimStore;
use aws_sdk_s3::error::SdkError;

/// Whether an absence can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The object is there.
    Present,
    /// It was there and somebody removed it: a versioned bucket kept the mark.
    Proved,
    /// It is not there, and nothing shows that it ever was: another bucket, a lost disk, or a key that never existed.
    Unproved,
}

impl ClaimStore {
    /// Whether an object was removed. Only [`Absence::Proved`] may lead to a teardown.
    pub async fn absence(&self, key: &str) -> Result<Absence, StoreError> {
        let answer = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await;
        let Err(error) = answer else {
            return Ok(Absence::Present);
        };
        let marked = |error: &SdkError<_, aws_sdk_s3::config::http::HttpResponse>| {
            error
                .raw_response()
                .and_then(|answer| answer.headers().get("x-amz-delete-marker"))
                == Some("true")
        };
        match Trouble::from(&error) {
            Trouble::NoObject if marked(&error) => Ok(Absence::Proved),
            Trouble::NoObject => Ok(Absence::Unproved),
            trouble => Err(self.give_up(&format!("look for {key}"), trouble)),
        }
    }
}
