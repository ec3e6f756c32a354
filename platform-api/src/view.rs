//! Every environment in memory, for lists and reads: kept by looks at the whole bucket and by this program's own writes.
//!
//! A look that began before an own write knows less than the write, so each entry remembers when it was touched.

use crate::environment::Environment;
use authz::Origin;
use claims::EnvironmentName;
use claims::status::Status;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;
use tokio::sync::broadcast;

/// Changes that a slow listener may be behind before it has to start anew.
const BACKLOG: usize = 1024;

/// Every environment that the last look or an own write saw.
pub struct View {
    inner: RwLock<Inner>,
    changes: broadcast::Sender<Change>,
}

#[derive(Default)]
struct Inner {
    entries: BTreeMap<EnvironmentName, Entry>,
    reserved: HashMap<String, usize>,
    swept: Option<Instant>,
}

struct Entry {
    environment: Arc<Environment>,
    touched: Instant,
}

/// Something became different.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The environment after it; before it, if nothing is left.
    pub environment: Arc<Environment>,
}

/// What happened to an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// Its claim or its status is another.
    Changed,
    /// Not even its tombstone is there any more.
    Removed,
}

/// A place in a pool for an environment that is being made; it ends with the value.
pub struct Reservation<'a> {
    view: &'a View,
    pool: String,
    /// How many environments live in the pool without this one.
    pub live: usize,
}

/// What a part of a look found changed.
#[derive(Default)]
pub struct Observed {
    /// Environments that are new or different, without their statuses.
    pub environments: Vec<Environment>,
    /// Environments of which nothing is left in the bucket, with the bucket that they were in.
    pub removed: Vec<(EnvironmentName, Origin)>,
}

/// Statuses by the names of their environments.
pub type Statuses<'a> = HashMap<&'a str, &'a Arc<Status>>;

impl Default for View {
    fn default() -> Self {
        Self {
            inner: RwLock::default(),
            changes: broadcast::channel(BACKLOG).0,
        }
    }
}

impl View {
    /// The environment of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Environment>> {
        let inner = self.read();
        inner
            .entries
            .get(name)
            .map(|entry| entry.environment.clone())
    }

    /// The environments whose names come after `after`, by name, that `wanted` takes; at most `most`, and whether more
    /// follow.
    pub fn page(
        &self,
        after: Option<&str>,
        most: usize,
        mut wanted: impl FnMut(&Environment) -> bool,
    ) -> (Vec<Arc<Environment>>, bool) {
        use std::ops::Bound;
        let inner = self.read();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = Vec::new();
        for entry in inner
            .entries
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(_, entry)| entry)
        {
            if wanted(&entry.environment) {
                if found.len() == most {
                    return (found, true);
                }
                found.push(entry.environment.clone());
            }
        }
        (found, false)
    }

    /// Every environment.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Environment>> {
        self.page(None, usize::MAX, |_| true).0
    }

    /// How many environments there are, those that are being taken down included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many environments live in a pool, those that are being made included.
    #[must_use]
    pub fn live_in_pool(&self, pool: &str) -> usize {
        self.read().live_in_pool(pool)
    }

    /// Takes a place in a pool, for as long as it is decided whether there is one: of two who ask at once, the second
    /// counts the first. An environment that is there already counts itself out, as when a request is sent again.
    pub fn reserve(&self, pool: &str, name: &str) -> Reservation<'_> {
        let mut inner = self.write();
        let itself = inner
            .entries
            .get(name)
            .is_some_and(|entry| entry.lives_in(pool));
        let live = inner.live_in_pool(pool) - usize::from(itself);
        *inner.reserved.entry(pool.to_owned()).or_default() += 1;
        Reservation {
            view: self,
            pool: pool.to_owned(),
            live,
        }
    }

    /// When the complete look began whose result is here; `None` before the first.
    #[must_use]
    pub fn swept(&self) -> Option<Instant> {
        self.read().swept
    }

    /// Every later change.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Takes over what an own write left there.
    pub fn put(&self, mut environment: Environment) -> Arc<Environment> {
        let mut inner = self.write();
        let before = inner.entries.get(environment.name());
        environment.status = environment
            .status
            .or_else(|| before.and_then(|entry| entry.environment.status.clone()));
        let (environment, change) = inner.take(environment, Instant::now());
        self.tell(inner, change.into_iter().collect());
        environment
    }

    /// Takes over what a part of a look found that began at `begun`, and names the objects that it does not take over
    /// now: they have to be read again to count later.
    pub fn take(&self, begun: Instant, observed: Observed) -> Vec<String> {
        let mut inner = self.write();
        let mut changes = Vec::new();
        let mut passed_over = Vec::new();
        for (name, origin) in observed.removed {
            let entry = inner.entries.get(&name);
            if entry
                .is_some_and(|entry| entry.touched <= begun && entry.environment.origin == origin)
            {
                changes.extend(inner.entries.remove(&name).map(|entry| Change {
                    kind: ChangeKind::Removed,
                    environment: entry.environment,
                }));
            }
        }
        for mut environment in observed.environments {
            if let Some(known) = inner.entries.get(environment.name()) {
                let second = known.keeps_out(&environment);
                if second {
                    let name = environment.name();
                    tracing::warn!(
                        name,
                        key = environment.place.key,
                        "a second claim of one environment is passed over"
                    );
                }
                if second || known.touched > begun {
                    passed_over.push(environment.place.key);
                    continue;
                }
                environment.status.clone_from(&known.environment.status);
            }
            changes.extend(inner.take(environment, begun).1);
        }
        self.tell(inner, changes);
        passed_over
    }

    /// A look has come to its end that began at `begun`: everything is here, and this is what the controller says.
    pub fn looked(&self, begun: Instant, statuses: &Statuses<'_>) {
        let mut inner = self.write();
        let changes = inner.take_statuses(statuses);
        inner.swept = Some(begun);
        self.tell(inner, changes);
    }

    /// Tells listeners after the lock is free.
    fn tell(&self, inner: RwLockWriteGuard<'_, Inner>, changes: Vec<Change>) {
        drop(inner);
        for change in changes {
            // Nobody may be listening.
            let _ = self.changes.send(change);
        }
    }

    // A panic under the lock leaves whole entries behind: each is put in place by one assignment.
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Whether another object that claims the same name is passed over: the first one stays unharmed.
    fn keeps_out(&self, other: &Environment) -> bool {
        let known = &self.environment;
        known.gone.is_none() && (known.origin != other.origin || known.place.key != other.place.key)
    }

    fn lives_in(&self, pool: &str) -> bool {
        self.environment.gone.is_none() && self.environment.claim.environment_pool == pool
    }
}

impl Inner {
    fn live_in_pool(&self, pool: &str) -> usize {
        let live = self
            .entries
            .values()
            .filter(|entry| entry.lives_in(pool))
            .count();
        live + self.reserved.get(pool).copied().unwrap_or_default()
    }

    /// Takes over what the controller says; of what it says nothing, it said nothing.
    fn take_statuses(&mut self, statuses: &Statuses<'_>) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, entry) in &mut self.entries {
            let status = statuses.get(name.as_str()).copied();
            if entry.environment.status.as_ref() == status {
                continue;
            }
            let version = this_second().max(entry.environment.version + 1);
            entry.environment = Arc::new(Environment {
                status: status.cloned(),
                version,
                ..(*entry.environment).clone()
            });
            changes.push(Change {
                kind: ChangeKind::Changed,
                environment: entry.environment.clone(),
            });
        }
        changes
    }

    /// Puts an environment in place; a change is one that a reader could see.
    fn take(
        &mut self,
        mut environment: Environment,
        touched: Instant,
    ) -> (Arc<Environment>, Option<Change>) {
        let name = environment.claim.environment_name.clone();
        let before = self.entries.get_mut(&name);
        if let Some(entry) = before {
            environment.version = entry.environment.version;
            if *entry.environment == environment {
                entry.touched = touched;
                return (entry.environment.clone(), None);
            }
            environment.version = this_second().max(environment.version + 1);
            entry.environment = Arc::new(environment);
            entry.touched = touched;
            let environment = entry.environment.clone();
            let change = Change {
                kind: ChangeKind::Changed,
                environment: environment.clone(),
            };
            return (environment, Some(change));
        }
        environment.version = this_second();
        let environment = Arc::new(environment);
        let entry = Entry {
            environment: environment.clone(),
            touched,
        };
        self.entries.insert(name, entry);
        let change = Change {
            kind: ChangeKind::Added,
            environment: environment.clone(),
        };
        (environment, Some(change))
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if let Some(reserved) = self.view.write().reserved.get_mut(&self.pool) {
            *reserved = reserved.saturating_sub(1);
        }
    }
}

fn this_second() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests;
