//! The store and the words it uses.

use crate::connect;
use crate::error::StoreError;
use crate::settings::{Limits, Settings};
use aws_sdk_s3::Client;
use claims::{Claim, EnvironmentName};
use std::fmt;
use std::sync::Arc;

/// Claims in one bucket. Cheap to clone.
#[derive(Clone)]
pub struct ClaimStore {
    pub(crate) client: Client,
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    pub(crate) limits: Limits,
}

/// What a server calls the contents of an object. Opaque: only the server that gave it can compare it.
/// Copies share the text, since whoever watches a bucket holds it in several places.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(Arc<str>);

/// A claim as it stands in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where, and in which state.
    pub place: Place,
    /// The claim.
    pub claim: Claim,
}

/// An object in a certain state: what a conditional write expects to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The object's key.
    pub key: String,
    /// Its contents.
    pub etag: ETag,
}

impl ClaimStore {
    /// Sets up access to a bucket; nothing is sent yet.
    pub fn new(settings: &Settings) -> Result<Self, StoreError> {
        Ok(Self {
            client: connect::client(settings)?,
            endpoint: settings.endpoint.clone(),
            bucket: settings.bucket.clone(),
            limits: settings.limits,
        })
    }

    /// The key under which this crate writes the claim of an environment. Others may use any key: what counts is the
    /// name inside.
    #[must_use]
    pub fn key_of(name: &EnvironmentName) -> String {
        format!("{name}.json")
    }
}

impl fmt::Debug for ClaimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimStore({}/{})", self.endpoint, self.bucket)
    }
}

impl ETag {
    /// The tag as text, as a listing or a state file holds it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ETag {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.trim_matches('"'))
    }
}
