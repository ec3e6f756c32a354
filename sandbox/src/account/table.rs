//! Objects of one kind in the order of their creation, as listings show them.

use std::collections::{BTreeMap, HashMap};

use super::refusal::Refusal;

/// An object with an id of its own.
pub(crate) trait Row: Clone {
    /// Status and text of the answer when the id is unknown.
    const UNKNOWN: (u16, &'static str);

    /// The object's id, unique in the account.
    fn id(&self) -> &str;
}

/// All objects of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    rows: BTreeMap<u64, T>,
    places: HashMap<String, u64>,
    next_place: u64,
    /// What a list showed before the newest creation or deletion: the answer of a stale list.
    before_last_change: BTreeMap<u64, T>,
    /// Answer for an unknown id instead of the usual one.
    unknown: Option<Refusal>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 1,
            before_last_change: BTreeMap::new(),
            unknown: None,
        }
    }
}

impl<T: Row> Table<T> {
    /// Adds an object at the end.
    pub(crate) fn insert(&mut self, row: T) {
        self.before_last_change.clone_from(&self.rows);
        self.places.insert(row.id().to_owned(), self.next_place);
        self.rows.insert(self.next_place, row);
        self.next_place += 1;
    }

    /// Takes an object out.
    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        let place = self.places.remove(id)?;
        self.before_last_change.clone_from(&self.rows);
        self.rows.remove(&place)
    }

    /// The object, if it exists.
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.places.get(id)?)
    }

    /// The object for change, if it exists.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.rows.get_mut(self.places.get(id)?)
    }

    /// The object, or the answer for an unknown id.
    pub(crate) fn find(&self, id: &str) -> Result<&T, Refusal> {
        self.get(id).ok_or_else(|| self.unknown())
    }

    /// The object for change, or the answer for an unknown id.
    pub(crate) fn find_mut(&mut self, id: &str) -> Result<&mut T, Refusal> {
        let unknown = self.unknown();
        self.get_mut(id).ok_or(unknown)
    }

    /// Objects in the order of creation.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    /// Objects for change, in the order of creation.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.values_mut()
    }

    /// Places and objects of a list; `stale` leaves the newest creation or deletion out.
    pub(crate) fn listed(&self, stale: bool) -> impl Iterator<Item = (u64, &T)> {
        let rows = if stale {
            &self.before_last_change
        } else {
            &self.rows
        };
        rows.iter().map(|(place, row)| (*place, row))
    }

    /// Sets the answer for an unknown id; `None` for the usual one.
    pub(crate) fn answer_unknown_with(&mut self, refusal: Option<Refusal>) {
        self.unknown = refusal;
    }

    fn unknown(&self) -> Refusal {
        let usual = || Refusal::new(T::UNKNOWN.0, T::UNKNOWN.1);
        self.unknown.clone().unwrap_or_else(usual)
    }
}
