//! Small bodies of routes that take something other than a claim. Nothing else of the program is needed to read them, so
//! that they are fuzzed without it.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

/// A later end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Extended {
    /// When the environment ends from now on, such as `2026-06-01T12:00:00Z`. A moment rather than a duration, so that
    /// a request that arrives twice extends once.
    #[schema(value_type = String, format = DateTime)]
    pub(super) until: Timestamp,
}

/// How far to go back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Earlier {
    /// The state of the claim to go back to, as `ETag` named it. The last one with other services when it is left out.
    pub(super) etag: Option<String>,
}

/// Reads a body; an empty one is an empty object.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes)
}
