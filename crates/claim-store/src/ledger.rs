//! What is known of a bucket from one complete look to the next: which object is which environment, and what has changed.
//!
//! The first object that names an environment has it. Another object with that name is passed over, and so is the
//! first one when it suddenly names another: an environment cannot be renamed or taken over through the bucket.

use crate::absence::Absence;
use crate::error::StoreError;
use crate::read::Seen;
use crate::store::{ClaimStore, ETag, Place, Stored};
use claims::{Document, EnvironmentName, Faults, Tombstone};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Absences that are looked into at the same time.
const AT_ONCE: usize = 16;

/// The memory of one reader of one bucket. Small: it holds no claims.
#[derive(Debug)]
pub struct Ledger {
    platform: String,
    known: BTreeMap<String, Known>,
    holders: HashMap<EnvironmentName, String>,
}

/// An object that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    /// Its state; `None` when it has to be read again whatever its state is.
    etag: Option<ETag>,
    /// The environment that it has.
    holds: Option<EnvironmentName>,
}

/// What has changed since the look before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Claims that are new or different, by key.
    pub claims: Vec<Stored>,
    /// Claims that were taken back or whose time was over, with their keys.
    pub tombstones: Vec<(Place, Tombstone)>,
    /// Objects that do not count, told anew at each look. What their environments were before stays as it is.
    pub refused: Vec<Refused>,
    /// Environments whose objects are not there, told anew at each look until the absence is proved.
    pub vanished: Vec<Vanished>,
    /// How many objects the bucket holds that may be claims.
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

impl Ledger {
    /// An empty memory, of the bucket of that platform.
    #[must_use]
    pub fn new(platform: impl Into<String>) -> Self {
        Self {
            platform: platform.into(),
            known: BTreeMap::new(),
            holders: HashMap::new(),
        }
    }

    /// A memory that was kept elsewhere: which object has which environment.
    #[must_use]
    pub fn remembering(
        platform: impl Into<String>,
        holders: impl IntoIterator<Item = (String, EnvironmentName)>,
    ) -> Self {
        let mut ledger = Self::new(platform);
        for (key, name) in holders {
            ledger.hold(key, None, name);
        }
        ledger
    }

    /// The object that has an environment.
    #[must_use]
    pub fn holder(&self, name: &EnvironmentName) -> Option<&str> {
        self.holders.get(name).map(String::as_str)
    }

    /// Every object that has an environment, to be kept elsewhere.
    pub fn holders(&self) -> impl Iterator<Item = (&str, &EnvironmentName)> {
        self.holders.iter().map(|(name, key)| (key.as_str(), name))
    }

    fn is_known(&self, key: &str, etag: &ETag) -> bool {
        let known = self.known.get(key);
        known.is_some_and(|known| known.etag.as_ref() == Some(etag))
    }

    fn held_by(&self, key: &str) -> Option<EnvironmentName> {
        self.known.get(key)?.holds.clone()
    }

    fn hold(&mut self, key: String, etag: Option<ETag>, name: EnvironmentName) {
        self.holders.insert(name.clone(), key.clone());
        let holds = Some(name);
        self.known.insert(key, Known { etag, holds });
    }

    /// Ends what is known of an object; its environment is free again.
    fn release(&mut self, key: &str) {
        if let Some(name) = self.known.remove(key).and_then(|known| known.holds) {
            self.holders.remove(&name);
        }
    }

    /// Takes over one object that is new or different.
    fn take(&mut self, key: String, seen: Seen, changes: &mut Changes) {
        let place = Place {
            key: key.clone(),
            etag: seen.etag,
        };
        let holds = self.held_by(&key);
        let why = match seen.document {
            Err(faults) => Refusal::Unreadable(faults),
            Ok(document) => {
                let named = name_in(&document);
                let holder = self.holder(named).filter(|holder| *holder != key);
                if holds.as_ref().is_some_and(|holds| holds != named) {
                    let now = named.clone();
                    Refusal::Renamed { now }
                } else if let Some(holder) = holder {
                    Refusal::Doubled {
                        name: named.clone(),
                        holder: holder.to_owned(),
                    }
                } else {
                    return self.accept(place, document, changes);
                }
            }
        };
        // Read again at each look: what makes it count may be a change of another object.
        let known = Known {
            etag: None,
            holds: holds.clone(),
        };
        self.known.insert(key, known);
        changes.refused.push(Refused { place, holds, why });
    }

    fn accept(&mut self, place: Place, document: Document, changes: &mut Changes) {
        match document {
            Document::Claim(claim) => {
                let name = claim.environment_name.clone();
                self.hold(place.key.clone(), Some(place.etag.clone()), name);
                changes.claims.push(Stored {
                    place,
                    claim: *claim,
                });
            }
            Document::Tombstone(tombstone) => {
                self.release(&place.key);
                let known = Known {
                    etag: Some(place.etag.clone()),
                    holds: None,
                };
                self.known.insert(place.key.clone(), known);
                changes.tombstones.push((place, tombstone));
            }
        }
    }
}

impl ClaimStore {
    /// Looks at the whole bucket and tells what has changed, reading only objects whose state is another. A bucket of
    /// another platform, a listing that is not whole and an object that does not come are errors, and leave the ledger
    /// as it was.
    pub async fn refresh(&self, ledger: &mut Ledger) -> Result<Changes, StoreError> {
        self.require_identity(&ledger.platform).await?;
        let entries = self.list().await?;
        let listed: HashSet<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        let to_read = entries
            .iter()
            .filter(|entry| !ledger.is_known(&entry.key, &entry.etag))
            .map(|entry| entry.key.clone())
            .collect();
        let mut seen = self.look_at_all(to_read).await?;
        let missing = ledger
            .known
            .iter()
            .filter(|(key, _)| !listed.contains(key.as_str()))
            .map(|(key, known)| (key.clone(), known.holds.clone()))
            .collect();
        let missing = self.look_for_all(missing).await?;
        // The server may have become another one in between.
        self.require_identity(&ledger.platform).await?;

        let mut changes = Changes {
            listed: entries.len(),
            ..Changes::default()
        };
        for (key, vanished) in missing {
            match vanished {
                Some(vanished) if vanished.absence == Absence::Present => {}
                Some(vanished) => {
                    if vanished.absence == Absence::Proved {
                        ledger.release(&key);
                    }
                    changes.vanished.push(vanished);
                }
                None => ledger.release(&key),
            }
        }
        // Of two new objects with one name, the one under the name's own key has it. Tombstones first: they free names.
        seen.sort_by_cached_key(|(key, seen)| (precedence(key, seen), key.clone()));
        for (key, seen) in seen {
            ledger.take(key, seen, &mut changes);
        }
        changes
            .claims
            .sort_by(|one, other| one.place.key.cmp(&other.place.key));
        Ok(changes)
    }

    /// Reads objects; one that vanished since it was listed is left out, for the next look to see.
    async fn look_at_all(&self, keys: Vec<String>) -> Result<Vec<(String, Seen)>, StoreError> {
        let fetched = self.fetch_all(keys).await?;
        Ok(fetched
            .into_iter()
            .filter_map(|(key, raw)| Some((key, Seen::from(raw?))))
            .collect())
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

fn name_in(document: &Document) -> &EnvironmentName {
    match document {
        Document::Claim(claim) => &claim.environment_name,
        Document::Tombstone(tombstone) => &tombstone.environment_name,
    }
}

fn precedence(key: &str, seen: &Seen) -> u8 {
    match &seen.document {
        Ok(Document::Tombstone(_)) => 0,
        Ok(Document::Claim(claim)) if ClaimStore::key_of(&claim.environment_name) == key => 1,
        _ => 2,
    }
}
