//! The listing of a bucket, page by page: all of them, or an error.

use crate::answer::Trouble;
use crate::error::StoreError;
use crate::store::{ClaimStore, ETag};
use std::collections::BTreeSet;

/// An object of the bucket that may be a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its state.
    pub etag: ETag,
}

/// A listing that goes on.
pub(crate) struct Pages<'a> {
    store: &'a ClaimStore,
    came: usize,
    next: Next,
    /// A server that repeats itself would be listed for ever.
    tokens: BTreeSet<String>,
}

enum Next {
    First,
    After(String),
    Nothing,
}

impl ClaimStore {
    pub(crate) const fn pages(&self) -> Pages<'_> {
        Pages {
            store: self,
            came: 0,
            next: Next::First,
            tokens: BTreeSet::new(),
        }
    }

    /// Every object that may be a claim, sorted by key. A page that does not come is an error: what is missing from a
    /// listing looks like a withdrawn claim to whoever reads it.
    pub async fn list(&self) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        let mut pages = self.pages();
        while let Some(page) = pages.next().await? {
            entries.extend(page);
        }
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(entries)
    }
}

impl Pages<'_> {
    /// The objects of the next page that may be claims; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Entry>>, StoreError> {
        let token = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::First => None,
            Next::After(token) => Some(token),
            Next::Nothing => return Ok(None),
        };
        let store = self.store;
        let request = store
            .client
            .list_objects_v2()
            .bucket(&store.bucket)
            .max_keys(store.limits.page)
            .set_continuation_token(token);
        let page = request
            .send()
            .await
            .map_err(|error| match Trouble::from(&error) {
                Trouble::Unclear(why) if self.came > 0 => self.incomplete(why),
                trouble => store.give_up("list the claims", trouble),
            })?;
        let mut entries = Vec::new();
        for object in page.contents() {
            let (Some(key), Some(etag)) = (object.key(), object.e_tag()) else {
                return Err(self.incomplete("an object has no key or no ETag".to_owned()));
            };
            if may_be_claim(key) {
                entries.push(Entry {
                    key: key.to_owned(),
                    etag: ETag::from(etag.to_owned()),
                });
            }
        }
        if page.is_truncated() == Some(true) {
            let next = page
                .next_continuation_token()
                .filter(|next| self.tokens.insert((*next).to_owned()));
            let next = next.ok_or_else(|| {
                self.incomplete("the server says that more follows and not where".to_owned())
            })?;
            self.next = Next::After(next.to_owned());
        }
        self.came += 1;
        Ok(Some(entries))
    }

    fn incomplete(&self, why: String) -> StoreError {
        StoreError::Incomplete {
            bucket: self.store.bucket.clone(),
            pages: self.came,
            why,
        }
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
