//! What is known of a bucket from one complete look to the next: which object is which environment, and what has changed.
//!
//! The first object that names an environment has it. Another object with that name is passed over, and so is the
//! first one when it suddenly names another: an environment cannot be renamed or taken over through the bucket.

use crate::changes::{Changes, Refusal, Refused};
use crate::read::Seen;
use crate::store::{ClaimStore, ETag, Place, Stored};
use claims::{Document, EnvironmentName};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The memory of one reader of one bucket. Small: it holds no claims, and shares what texts it can.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) platform: String,
    known: BTreeMap<Arc<str>, Known>,
    holders: HashMap<EnvironmentName, Arc<str>>,
    /// The number of the look that goes on, or of the last one.
    look: u64,
}

/// An object that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    /// Its state; `None` when it has to be read again whatever its state is.
    etag: Option<ETag>,
    /// The environment that it has.
    holds: Option<EnvironmentName>,
    /// The look that found it in the listing last.
    listed: u64,
}

impl Ledger {
    /// An empty memory, of the bucket of that platform.
    #[must_use]
    pub fn new(platform: impl Into<String>) -> Self {
        Self {
            platform: platform.into(),
            known: BTreeMap::new(),
            holders: HashMap::new(),
            look: 0,
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
            ledger.hold(&key, None, name);
        }
        ledger
    }

    /// The object that has an environment.
    #[must_use]
    pub fn holder(&self, name: &EnvironmentName) -> Option<&str> {
        self.holders.get(name).map(AsRef::as_ref)
    }

    /// Every object that has an environment, to be kept elsewhere.
    pub fn holders(&self) -> impl Iterator<Item = (&str, &EnvironmentName)> {
        self.holders.iter().map(|(name, key)| (key.as_ref(), name))
    }

    /// Has objects read again at the next look, whatever their state is then: for a reader who did not take over what
    /// it was told of them.
    pub fn read_again(&mut self, keys: &[String]) {
        for key in keys {
            if let Some(known) = self.known.get_mut(key.as_str()) {
                known.etag = None;
            }
        }
    }

    /// A new look begins, which has found nothing yet.
    pub(crate) fn begin(&mut self) {
        self.look += 1;
    }

    /// Marks an object as listed, and tells whether it is as it was.
    pub(crate) fn confirm(&mut self, key: &str, etag: &ETag) -> bool {
        let Some(known) = self.known.get_mut(key) else {
            return false;
        };
        known.listed = self.look;
        known.etag.as_ref() == Some(etag)
    }

    /// What was known and is not listed. Means nothing before the listing has come to its end.
    pub(crate) fn missing(&self) -> Vec<(String, Option<EnvironmentName>)> {
        let missing = self.known.iter();
        missing
            .filter(|(_, known)| known.listed != self.look)
            .map(|(key, known)| (key.to_string(), known.holds.clone()))
            .collect()
    }

    fn held_by(&self, key: &str) -> Option<EnvironmentName> {
        self.known.get(key)?.holds.clone()
    }

    /// The key as it is held here already, if it is.
    fn shared(&self, key: &str) -> Arc<str> {
        let known = self.known.get_key_value(key);
        known.map_or_else(|| key.into(), |(key, _)| key.clone())
    }

    fn know(&mut self, key: Arc<str>, etag: Option<ETag>, holds: Option<EnvironmentName>) {
        let listed = self.look;
        let known = Known {
            etag,
            holds,
            listed,
        };
        self.known.insert(key, known);
    }

    fn hold(&mut self, key: &str, etag: Option<ETag>, name: EnvironmentName) {
        let key = self.shared(key);
        self.holders.insert(name.clone(), key.clone());
        self.know(key, etag, Some(name));
    }

    /// Ends what is known of an object; its environment is free again.
    pub(crate) fn release(&mut self, key: &str) {
        if let Some(name) = self.known.remove(key).and_then(|known| known.holds) {
            self.holders.remove(&name);
        }
    }

    /// Whether nothing that comes later in a look can change what becomes of an object: it has its environment already,
    /// or stands under its name's own key while no other object has it.
    pub(crate) fn settles(&self, key: &str, seen: &Seen) -> bool {
        let Ok(document) = &seen.document else {
            return true;
        };
        let named = document.environment_name();
        self.known
            .get(key)
            .is_some_and(|known| known.holds.is_some())
            || (ClaimStore::key_of(named) == key && self.holder(named).is_none())
    }

    /// Takes over one object that is new or different.
    pub(crate) fn take(&mut self, key: String, seen: Seen, changes: &mut Changes) {
        let place = Place {
            key,
            etag: seen.etag,
        };
        let holds = self.held_by(&place.key);
        let why = match seen.document {
            Err(faults) => Refusal::Unreadable(faults),
            Ok(document) => {
                let named = document.environment_name();
                let holder = self.holder(named).filter(|holder| *holder != place.key);
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
        self.know(self.shared(&place.key), None, holds.clone());
        changes.refused.push(Refused { place, holds, why });
    }

    fn accept(&mut self, place: Place, document: Document, changes: &mut Changes) {
        match document {
            Document::Claim(claim) => {
                let name = claim.environment_name.clone();
                self.hold(&place.key, Some(place.etag.clone()), name);
                changes.claims.push(Stored {
                    place,
                    claim: *claim,
                });
            }
            Document::Tombstone(tombstone) => {
                self.release(&place.key);
                self.know(self.shared(&place.key), Some(place.etag.clone()), None);
                changes.tombstones.push((place, tombstone));
            }
        }
    }
}
