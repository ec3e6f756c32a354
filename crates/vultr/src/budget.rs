//! One request budget for everything that talks to the account.
//!
//! The vendor counts 30 requests a second by source address. The budget spaces requests so that no window of one second
//! holds more than `burst + per_second` of them, whichever task or clone sends them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A budget that clones share.
#[derive(Debug, Clone)]
pub struct Budget {
    interval: Duration,
    burst: Duration,
    schedule: Arc<Mutex<Schedule>>,
}

#[derive(Debug, Default)]
struct Schedule {
    /// When the bucket is full again if nothing more is sent.
    full_at: Option<Instant>,
    /// Nobody sends before this: the API asked for silence.
    silent_until: Option<Instant>,
}

impl Default for Budget {
    /// 20 requests a second and 5 at once, so at most 25 in any second.
    fn default() -> Self {
        Self::new(20, 5)
    }
}

impl Budget {
    /// A budget of so many requests a second, with `burst` of them at once after a pause. Zeros count as one.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self {
            interval,
            burst: interval * (burst.max(1) - 1),
            schedule: Arc::default(),
        }
    }

    /// Waits for the turn of one request. A waiter that is dropped gives its turn up.
    pub async fn turn(&self) {
        sleep_until(self.reserve(Instant::now())).await;
        // A silence that began while this turn was waited for holds for it too.
        while let Some(end) = self.silence(Instant::now()) {
            sleep_until(end).await;
        }
    }

    /// Lets nobody send for a while, as `Retry-After` asks.
    pub fn silence_for(&self, pause: Duration) {
        let end = Instant::now() + pause;
        let mut schedule = self.lock();
        schedule.silent_until = schedule.silent_until.max(Some(end));
    }

    fn reserve(&self, now: Instant) -> Instant {
        let mut schedule = self.lock();
        let full_at = schedule.full_at.unwrap_or(now).max(now);
        schedule.full_at = Some(full_at + self.interval);
        full_at.checked_sub(self.burst).unwrap_or(now).max(now)
    }

    fn silence(&self, now: Instant) -> Option<Instant> {
        self.lock().silent_until.filter(|end| *end > now)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn send_times(budget: &Budget, requests: usize) -> Vec<Duration> {
        let start = Instant::now();
        let tasks: Vec<_> = (0..requests)
            .map(|_| {
                let budget = budget.clone();
                tokio::spawn(async move {
                    budget.turn().await;
                    Instant::now()
                })
            })
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.push(task.await.unwrap() - start);
        }
        times.sort();
        times
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_thirty_requests_of_all_clones_together() {
        let times = send_times(&Budget::default(), 200).await;
        for (index, start) in times.iter().enumerate() {
            let window = times[index..]
                .iter()
                .take_while(|time| **time < *start + Duration::from_secs(1))
                .count();
            assert!(window < 30, "{window} requests from {start:?}");
        }
        assert!(*times.last().unwrap() < Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_gives_the_burst_back() {
        let budget = Budget::new(10, 3);
        let first = send_times(&budget, 3).await;
        assert!(first.iter().all(Duration::is_zero), "{first:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let second = send_times(&budget, 4).await;
        assert_eq!(second.iter().filter(|time| time.is_zero()).count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_holds_for_everybody() {
        let budget = Budget::default();
        budget.silence_for(Duration::from_secs(7));
        budget.silence_for(Duration::from_secs(2));
        let times = send_times(&budget, 3).await;
        assert!(times[0] >= Duration::from_secs(7), "{times:?}");
    }
}
