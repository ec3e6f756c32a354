//! Looking at the whole bucket: all of it, or an error.

use crate::answer::Trouble;
use crate::error::StoreError;
use crate::read::{Raw, Seen};
use crate::store::{ClaimStore, ETag, Place, Stored};
use claims::{Document, Faults, Tombstone};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::BTreeSet;

/// Objects that are fetched at the same time.
const AT_ONCE: usize = 16;

/// An object of the bucket that may be a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its state.
    pub etag: ETag,
}

/// Everything in the bucket, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Claims.
    pub claims: Vec<Stored>,
    /// What is left of withdrawn and expired claims, with the keys.
    pub tombstones: Vec<(String, Tombstone)>,
    /// Objects that cannot be used.
    pub unreadable: Vec<Unreadable>,
}

/// An object that is no claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where, and in which state.
    pub place: Place,
    /// What is wrong with it.
    pub faults: Faults,
}

impl ClaimStore {
    /// Every object that may be a claim, sorted by key. A page that does not come is an error: what is missing from a
    /// listing looks like a withdrawn claim to whoever reads it.
    pub async fn list(&self) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        let mut tokens = BTreeSet::new();
        let mut token: Option<String> = None;
        for pages in 0.. {
            let request = self
                .client
                .list_objects_v2()
                .bucket(&self.bucket)
                .max_keys(self.limits.page);
            let incomplete = |why: String| StoreError::Incomplete {
                bucket: self.bucket.clone(),
                pages,
                why,
            };
            let page = match request.set_continuation_token(token.take()).send().await {
                Ok(page) => page,
                Err(error) => {
                    return Err(match Trouble::from(&error) {
                        Trouble::Unclear(why) if pages > 0 => incomplete(why),
                        trouble => self.give_up("list the claims", trouble),
                    });
                }
            };
            for object in page.contents() {
                let (Some(key), Some(etag)) = (object.key(), object.e_tag()) else {
                    return Err(incomplete("an object has no key or no ETag".to_owned()));
                };
                if may_be_claim(key) {
                    entries.push(Entry {
                        key: key.to_owned(),
                        etag: ETag::from(etag.to_owned()),
                    });
                }
            }
            if page.is_truncated() != Some(true) {
                break;
            }
            let next = page
                .next_continuation_token()
                .filter(|next| tokens.insert((*next).to_owned()));
            let Some(next) = next else {
                return Err(incomplete(
                    "the server says that more follows and not where".to_owned(),
                ));
            };
            token = Some(next.to_owned());
        }
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(entries)
    }

    /// Lists the bucket and reads every object. One that vanishes between the two is left out.
    pub async fn sweep(&self) -> Result<Sweep, StoreError> {
        let entries = self.list().await?;
        let keys = entries.into_iter().map(|entry| entry.key).collect();
        let mut fetched = self.fetch_all(keys).await?;
        fetched.sort_by(|one, other| one.0.cmp(&other.0));

        let mut sweep = Sweep::default();
        for (key, raw) in fetched {
            let Some(Seen { etag, document, .. }) = raw.map(Seen::from) else {
                continue;
            };
            match document {
                Ok(Document::Claim(claim)) => sweep.claims.push(Stored {
                    place: Place { key, etag },
                    claim: *claim,
                }),
                Ok(Document::Tombstone(tombstone)) => sweep.tombstones.push((key, tombstone)),
                Err(faults) => sweep.unreadable.push(Unreadable {
                    place: Place { key, etag },
                    faults,
                }),
            }
        }
        Ok(sweep)
    }

    /// Fetches objects, several at a time and in any order; `None` for one that is not there.
    pub(crate) async fn fetch_all(
        &self,
        keys: Vec<String>,
    ) -> Result<Vec<(String, Option<Raw>)>, StoreError> {
        let looks = keys.into_iter().map(|key| async move {
            let raw = self.fetch(&key).await?;
            Ok::<_, StoreError>((key, raw))
        });
        stream::iter(looks)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }
}

/// Claims are `*.json`; a dot in front hides what this and other tools keep beside them.
fn may_be_claim(key: &str) -> bool {
    key.strip_suffix(".json").is_some() && !key.split('/').any(|part| part.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_objects_and_other_files_are_no_claims() {
        for claim in ["dev-x.json", "my-environment-claim.json", "team/dev-x.json"] {
            assert!(may_be_claim(claim), "{claim}");
        }
        for other in [
            ".platform-id",
            ".slipway-probe-1.json",
            "team/.x.json",
            "README.md",
            "dev-x.json.bak",
            "dev-x",
        ] {
            assert!(!may_be_claim(other), "{other}");
        }
    }
}
