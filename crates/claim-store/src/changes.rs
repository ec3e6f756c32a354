//! A look at the whole bucket in parts, so that its reader never waits for all of it and never holds all of it: one page of
//! the listing and what is new there, then the next.
//!
//! A part may be told before the others are known only if they cannot change it. What depends on them comes in the last
//! part, after the listing has ended: objects that are not there any more, and objects that compete for a name.

use crate::absence::Absence;
use crate::error::StoreError;
use crate::ledger::Ledger;
use crate::pages::{Entry, Pages};
use crate::read::Seen;
use crate::store::{ClaimStore, Place, Stored};
use crate::sweep::AT_ONCE;
use claims::{Document, EnvironmentName, Faults, Tombstone};
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};

/// What one part of a look has found changed since the look before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Claims that are new or different, by key.
    pub claims: Vec<Stored>,
    /// Claims that were taken back or whose time was over, with their keys.
    pub tombstones: Vec<(Place, Tombstone)>,
    /// Objects that do not count, told anew at each look. What their environments were before stays as it is.
    pub refused: Vec<Refused>,
    /// Environments whose objects are not there, told anew at each look until the absence is proved. Only the last part
    /// has any.
    pub vanished: Vec<Vanished>,
    /// How many objects of this part may be claims.
    pub listed: usize,
}

/// An object that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where, and in which state.
    pub place: Place,
    /// The environment that the object had before, and still has.
    pub holds: Option<EnvironmentName>,
    /// Why.
    pub why: Refusal,
}

/// Why an object does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no claim.
    Unreadable(Faults),
    /// It had another environment before.
    Renamed {
        /// The one that it names now.
        now: EnvironmentName,
    },
    /// Another object has this environment.
    Doubled {
        /// The environment.
        name: EnvironmentName,
        /// The object that has it.
        holder: String,
    },
}

/// An environment whose object is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vanished {
    /// The object.
    pub key: String,
    /// The environment.
    pub name: EnvironmentName,
    /// Whether somebody removed it. Without proof it stays known, and nothing may be taken down.
    pub absence: Absence,
}

/// A look that goes on.
struct Look<'a> {
    store: &'a ClaimStore,
    ledger: &'a mut Ledger,
    pages: Pages<'a>,
    began: bool,
    /// Objects of which it is not clear yet whether they count.
    unsettled: Vec<(String, Seen)>,
}

impl ClaimStore {
    /// Looks at the whole bucket and tells in parts what has changed, reading only objects whose state is another. The
    /// look is complete when the stream ends without an error. A bucket of another platform, a listing that is not whole
    /// and an object that does not come are errors, and end it: what was told before stays true and is not told again,
    /// and nothing is missing because of them.
    pub fn changes<'a>(
        &'a self,
        ledger: &'a mut Ledger,
    ) -> impl Stream<Item = Result<Changes, StoreError>> + Send + 'a {
        ledger.begin();
        let look = Look {
            store: self,
            ledger,
            pages: self.pages(),
            began: false,
            unsettled: Vec::new(),
        };
        stream::try_unfold(Some(look), |look| async move {
            match look {
                Some(look) => look.part().await.map(Some),
                None => Ok(None),
            }
        })
    }

    /// Looks for objects that are not in the listing; those that had no environment are of no interest.
    async fn look_for_all(
        &self,
        missing: Vec<(String, Option<EnvironmentName>)>,
    ) -> Result<Vec<(String, Option<Vanished>)>, StoreError> {
        let looks = missing.into_iter().map(|(key, holds)| async move {
            let Some(name) = holds else {
                return Ok::<_, StoreError>((key, None));
            };
            let absence = self.absence(&key).await?;
            let vanished = Vanished {
                key: key.clone(),
                name,
                absence,
            };
            Ok((key, Some(vanished)))
        });
        stream::iter(looks).buffered(AT_ONCE).try_collect().await
    }
}

impl<'a> Look<'a> {
    /// The next part, and the look as it goes on unless that was the last.
    async fn part(mut self) -> Result<(Changes, Option<Look<'a>>), StoreError> {
        if !self.began {
            self.store.require_identity(&self.ledger.platform).await?;
            self.began = true;
        }
        match self.pages.next().await? {
            Some(page) => Ok((self.of_page(page).await?, Some(self))),
            None => Ok((self.last().await?, None)),
        }
    }

    /// What is new on a page.
    async fn of_page(&mut self, page: Vec<Entry>) -> Result<Changes, StoreError> {
        let mut changes = Changes {
            listed: page.len(),
            ..Changes::default()
        };
        let mut to_read = page;
        to_read.retain(|entry| !self.ledger.confirm(&entry.key, &entry.etag));
        if to_read.is_empty() {
            return Ok(changes);
        }
        let mut found = Vec::with_capacity(to_read.len());
        let keys = to_read.into_iter().map(|entry| entry.key);
        let take = |key, seen: Option<Seen>| {
            // One that vanished since it was listed is for the next look to see.
            found.extend(seen.map(|seen| (key, seen)));
        };
        self.store.fetch_each(keys, Seen::read, take).await?;
        // The server may have become another one in between.
        self.store.require_identity(&self.ledger.platform).await?;
        found.sort_by(|one, other| one.0.cmp(&other.0));
        for (key, seen) in found {
            if self.ledger.settles(&key, &seen) {
                self.ledger.take(key, seen, &mut changes);
            } else {
                self.unsettled.push((key, seen));
            }
        }
        Ok(changes)
    }

    /// What can be said only now that everything is listed.
    async fn last(self) -> Result<Changes, StoreError> {
        let missing = self.store.look_for_all(self.ledger.missing()).await?;
        self.store.require_identity(&self.ledger.platform).await?;
        let mut changes = Changes::default();
        for (key, vanished) in missing {
            match vanished {
                Some(vanished) if vanished.absence == Absence::Present => {}
                Some(vanished) => {
                    if vanished.absence == Absence::Proved {
                        self.ledger.release(&key);
                    }
                    changes.vanished.push(vanished);
                }
                None => self.ledger.release(&key),
            }
        }
        let mut unsettled = self.unsettled;
        // Of two new objects with one name, the one under the name's own key has it. Tombstones first: they free names.
        unsettled.sort_by_cached_key(|(key, seen)| (precedence(key, seen), key.clone()));
        for (key, seen) in unsettled {
            self.ledger.take(key, seen, &mut changes);
        }
        changes
            .claims
            .sort_by(|one, other| one.place.key.cmp(&other.place.key));
        Ok(changes)
    }
}

fn precedence(key: &str, seen: &Seen) -> u8 {
    match &seen.document {
        Ok(Document::Tombstone(_)) => 0,
        Ok(Document::Claim(claim)) if ClaimStore::key_of(&claim.environment_name) == key => 1,
        _ => 2,
    }
}
