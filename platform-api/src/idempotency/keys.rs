//! The answers that were given, for a while.

use super::{Key, KeyError, Request};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many answers are remembered, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Answers at most; the oldest goes first.
    pub answers: usize,
    /// Bytes of a body at most; a longer answer is not remembered.
    pub body: usize,
    /// How long.
    pub keep: Duration,
}

/// The answers of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    settings: Settings,
    table: Arc<Mutex<Table>>,
}

/// An answer, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to it (`etag`, `location`, `content-type`, the audit receipt), not those of the
    /// connection or the request.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What a request with a key is.
#[derive(Debug)]
pub enum Begun {
    /// The first one: do it, and [`Running::finish`] it.
    First(Running),
    /// A repeat: this is its answer.
    Again(Answer),
}

/// A request with a key that is being worked on. Dropped without an answer, it may be sent again and is worked on anew.
#[derive(Debug)]
pub struct Running {
    slot: [u8; 32],
    keys: Keys,
    finished: bool,
}

type Slot = [u8; 32];

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<Slot, Entry>,
    /// The answers by age.
    by_age: VecDeque<(Instant, Slot)>,
}

#[derive(Debug)]
struct Entry {
    fingerprint: [u8; 32],
    answer: Option<Answer>,
}

impl Keys {
    /// An empty memory.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            table: Arc::default(),
        }
    }

    /// Begins a request with a key.
    pub fn begin(&self, key: &Key, request: &Request<'_>, now: Instant) -> Result<Begun, KeyError> {
        let (slot, fingerprint) = (request.slot(key), request.fingerprint());
        let mut table = self.table();
        table.forget(now, self.settings.keep);
        let Some(entry) = table.entries.get(&slot) else {
            let entry = Entry {
                fingerprint,
                answer: None,
            };
            table.entries.insert(slot, entry);
            return Ok(Begun::First(Running {
                slot,
                keys: self.clone(),
                finished: false,
            }));
        };
        if entry.fingerprint != fingerprint {
            return Err(KeyError::Reused { key: key.clone() });
        }
        match &entry.answer {
            Some(answer) => Ok(Begun::Again(answer.clone())),
            None => Err(KeyError::UnderWay { key: key.clone() }),
        }
    }

    /// How many keys are remembered now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table().entries.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The table is whole between two calls: nothing in them can panic half way.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Remembers the answer if the request had its effect (2xx): a refusal has none, so the same request may come again
    /// and be judged anew.
    pub fn finish(mut self, answer: &Answer, now: Instant) {
        self.finished = true;
        let settings = self.keys.settings;
        let mut table = self.keys.table();
        if (200..300).contains(&answer.status) && answer.body.len() <= settings.body {
            if let Some(entry) = table.entries.get_mut(&self.slot) {
                entry.answer = Some(answer.clone());
            }
            table.by_age.push_back((now, self.slot));
            while table.by_age.len() > settings.answers {
                table.forget_oldest();
            }
        } else {
            table.entries.remove(&self.slot);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.finished {
            self.keys.table().entries.remove(&self.slot);
        }
    }
}

impl Table {
    fn forget(&mut self, now: Instant, keep: Duration) {
        while let Some((since, _)) = self.by_age.front()
            && now.saturating_duration_since(*since) >= keep
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, slot)) = self.by_age.pop_front() {
            self.entries.remove(&slot);
        }
    }
}
