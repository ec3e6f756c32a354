//! Answers that are asked for once and shared: many reads of one refresh need the same list.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// One answer, or the place where the first asker puts it while the others wait.
type Slot<T> = Arc<tokio::sync::Mutex<Option<(Instant, Arc<T>)>>>;

/// Answers by key, each fetched by one asker at a time and good for a while. Errors are not kept.
pub(crate) struct Fresh<K, T> {
    good_for: Duration,
    slots: Mutex<HashMap<K, Slot<T>>>,
}

impl<K: Eq + Hash + Clone, T> Fresh<K, T> {
    pub(crate) fn new(good_for: Duration) -> Self {
        Self {
            good_for,
            slots: Mutex::default(),
        }
    }

    /// The answer for a key, fetched only if there is none that is fresh.
    pub(crate) async fn get<E, F>(&self, key: &K, fetch: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let slot = self.slots().entry(key.clone()).or_default().clone();
        let mut answer = slot.lock().await;
        if let Some((when, value)) = answer.as_ref()
            && when.elapsed() < self.good_for
        {
            return Ok(value.clone());
        }
        let value = Arc::new(fetch().await?);
        *answer = Some((Instant::now(), value.clone()));
        Ok(value)
    }

    /// Forgets an answer, because something was changed.
    pub(crate) fn forget(&self, key: &K) {
        self.slots().remove(key);
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<K, Slot<T>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hundred_askers_fetch_once_until_the_answer_is_old_or_forgotten() {
        let fresh = Fresh::<&str, u32>::new(Duration::from_secs(10));
        let fetched = AtomicU32::new(0);
        let ask = || {
            fresh.get(&"pools", || async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok::<_, ()>(fetched.fetch_add(1, Ordering::SeqCst) + 1)
            })
        };
        let answers = futures::future::join_all((0..100).map(|_| ask())).await;
        assert!(answers.iter().all(|a| **a.as_ref().unwrap() == 1));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(*ask().await.unwrap(), 2);
        fresh.forget(&"pools");
        assert_eq!(*ask().await.unwrap(), 3);
    }

    #[tokio::test]
    async fn errors_are_asked_again() {
        let fresh = Fresh::<&str, u32>::new(Duration::from_secs(10));
        assert_eq!(
            fresh.get(&"k", || async { Err::<u32, _>("no") }).await,
            Err("no")
        );
        assert_eq!(
            fresh
                .get(&"k", || async { Ok::<_, &str>(1) })
                .await
                .as_deref(),
            Ok(&1)
        );
    }
}
