//! The marker that closes a platform to new claims while its environments are drained.
//!
//! A writer looks for the marker before and after it writes. Either it sees the marker, or its claim stood before the
//! marker did and whoever drains sees the claim: none slips through between the two.

use crate::answer::{Refusal, Trouble};
use crate::error::StoreError;
use crate::store::{ClaimStore, ETag};
use crate::write::{Expected, Write, WriteError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The marker's key; the dot hides it from every listing of claims.
const KEY: &str = ".slipway-freeze.json";

/// Why a platform takes no claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Who asked for it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// The environments that may be drained: what stood there, and was judged, when the freeze began.
    pub environments: BTreeSet<String>,
    /// Set when the freeze was lifted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Timestamp>,
}

impl Freeze {
    /// The marker's key in the bucket.
    #[must_use]
    pub fn key() -> &'static str {
        KEY
    }

    fn to_json(&self) -> Result<String, StoreError> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|error| StoreError::Refused {
                action: format!("write {KEY}"),
                why: error.to_string(),
            })
    }
}

impl ClaimStore {
    /// The freeze that is in force. A marker that cannot be read is an error: it may be one.
    pub async fn frozen(&self) -> Result<Option<Freeze>, StoreError> {
        Ok(self
            .freeze_marker()
            .await?
            .map(|(_, freeze)| freeze)
            .filter(|freeze| freeze.lifted.is_none()))
    }

    /// Puts a freeze in force and gives the one that is: an earlier one stays as it is, so that a drain that was broken
    /// off goes on. `id` names this write and no other.
    pub async fn freeze(&self, wanted: &Freeze, id: Uuid) -> Result<Freeze, StoreError> {
        loop {
            let expected = match self.freeze_marker().await? {
                Some((_, standing)) if standing.lifted.is_none() => return Ok(standing),
                Some((etag, _)) => Expected::Exactly(etag),
                None => Expected::Nothing,
            };
            match self.mark(wanted, &expected, id).await {
                Ok(_) => return Ok(wanted.clone()),
                Err(WriteError::Failed(error)) => return Err(error),
                // Somebody else froze it at this moment.
                Err(WriteError::Lost(_)) => {}
            }
        }
    }

    /// Lifts the freeze that is in force, if one is. `id` names this write and no other.
    pub async fn thaw(&self, at: Timestamp, id: Uuid) -> Result<(), StoreError> {
        let Some((etag, freeze)) = self.freeze_marker().await? else {
            return Ok(());
        };
        if freeze.lifted.is_some() {
            return Ok(());
        }
        let lifted = Freeze {
            lifted: Some(at),
            ..freeze
        };
        match self.mark(&lifted, &Expected::Exactly(etag), id).await {
            Ok(_) | Err(WriteError::Lost(_)) => Ok(()),
            Err(WriteError::Failed(error)) => Err(error),
        }
    }

    /// Refuses to go on while a freeze is in force.
    pub(crate) async fn require_thawed(&self) -> Result<(), StoreError> {
        match self.frozen().await? {
            None => Ok(()),
            Some(freeze) => Err(self.refusal(freeze)),
        }
    }

    /// What a writer is told.
    pub(crate) fn refusal(&self, freeze: Freeze) -> StoreError {
        StoreError::Frozen {
            bucket: self.bucket.clone(),
            by: freeze.by,
            since: freeze.since,
        }
    }

    async fn mark(
        &self,
        freeze: &Freeze,
        expected: &Expected,
        id: Uuid,
    ) -> Result<ETag, WriteError> {
        let body = freeze.to_json().map_err(WriteError::Failed)?;
        let write = Write {
            key: KEY,
            body: &body,
            tags: None,
            id,
        };
        self.write(&write, expected).await
    }

    async fn freeze_marker(&self) -> Result<Option<(ETag, Freeze)>, StoreError> {
        let Some(raw) = self.fetch(KEY).await? else {
            return Ok(None);
        };
        let unreadable =
            |why: String| self.give_up(&format!("read {KEY}"), Trouble::Final(Refusal::Other(why)));
        let bytes = raw.bytes.map_err(|faults| unreadable(faults.to_string()))?;
        let freeze =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        Ok(Some((raw.etag, freeze)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back_and_says_when_it_was_lifted() {
        let mut freeze = Freeze {
            by: "the destroy of platform acme".into(),
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            environments: BTreeSet::from(["dev-x".to_owned()]),
            lifted: None,
        };
        let text = freeze.to_json().unwrap();
        assert!(!text.contains("lifted"), "{text}");
        assert_eq!(serde_json::from_str::<Freeze>(&text).unwrap(), freeze);
        freeze.lifted = Some("2026-01-02T00:00:00Z".parse().unwrap());
        assert!(freeze.to_json().unwrap().contains("\"lifted\""));
    }
}
