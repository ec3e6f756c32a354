//! What stood under a key before: a versioned bucket keeps it.

use crate::answer::Trouble;
use crate::error::StoreError;
use crate::read::read_body;
use crate::store::{ClaimStore, ETag};
use claims::{Claim, Document};
use jiff::Timestamp;

/// Versions that are looked at, from the newest on. Who wants to go back further reads the bucket.
const LOOKED_AT: i32 = 50;

/// A claim that stood there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// What the server calls this version.
    pub version: String,
    /// Its contents.
    pub etag: ETag,
    /// Since when it stood there.
    pub since: Timestamp,
    /// The claim.
    pub claim: Claim,
}

impl ClaimStore {
    /// The claims that stood under a key, the newest first, the one that stands there now included; at most `most`.
    /// Tombstones and objects that are no claims are passed over, and so is everything in a bucket without versions.
    pub async fn history(&self, key: &str, most: usize) -> Result<Vec<Earlier>, StoreError> {
        let action = format!("list the versions of {key}");
        let listing = self
            .client
            .list_object_versions()
            .bucket(&self.bucket)
            .prefix(key)
            .max_keys(LOOKED_AT)
            .send()
            .await
            .map_err(|error| self.give_up(&action, Trouble::from(&error)))?;
        let mut earlier = Vec::new();
        // The key is a prefix of others, too: `dev-x.json` of `dev-x.json.bak`.
        for version in listing
            .versions()
            .iter()
            .filter(|version| version.key() == Some(key))
        {
            if earlier.len() == most {
                break;
            }
            let (Some(id), Some(since)) = (version.version_id(), version.last_modified()) else {
                continue;
            };
            let Ok(since) = Timestamp::new(since.secs(), 0) else {
                continue;
            };
            if let Some((etag, claim)) = self.claim_of_version(key, id).await? {
                earlier.push(Earlier {
                    version: id.to_owned(),
                    etag,
                    since,
                    claim,
                });
            }
        }
        Ok(earlier)
    }

    async fn claim_of_version(
        &self,
        key: &str,
        version: &str,
    ) -> Result<Option<(ETag, Claim)>, StoreError> {
        let give_up = |trouble| self.give_up(&format!("read {key} as it was"), trouble);
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .version_id(version)
            .send()
            .await;
        let answer = match answer.map_err(|error| Trouble::from(&error)) {
            Ok(answer) => answer,
            // Removed since it was listed.
            Err(Trouble::NoObject) => return Ok(None),
            Err(trouble) => return Err(give_up(trouble)),
        };
        let Some(etag) = answer.e_tag().map(str::to_owned).map(ETag::from) else {
            return Ok(None);
        };
        let bytes = read_body(answer.body)
            .await
            .map_err(|why| give_up(Trouble::Unclear(why)))?;
        match bytes.and_then(|bytes| Document::read(&bytes)) {
            Ok(Document::Claim(claim)) => Ok(Some((etag, *claim))),
            Ok(Document::Tombstone(_)) | Err(_) => Ok(None),
        }
    }
}
