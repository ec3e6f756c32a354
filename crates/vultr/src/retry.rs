//! How often and how late a call is repeated.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// Randomness for waits, handed in: a function that gives a number from 0 up to, and without, 1.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Jitter {
    /// Randomness from a function.
    pub fn new(source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Randomness from the seeds that the operating system gives to hash maps: enough to keep callers apart.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| {
            let bits = u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or(0);
            f64::from(bits) / (f64::from(u32::MAX) + 1.0)
        })
    }

    /// Between half of a duration and all of it.
    #[must_use]
    pub fn spread(&self, duration: Duration) -> Duration {
        duration.mul_f64(0.5 + 0.5 * (self.0)().clamp(0.0, 1.0))
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}

/// Bounds of repeating one call.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// How often a call is sent at most.
    pub attempts: u32,
    /// The wait before the second attempt; each further one is twice as long.
    pub first: Duration,
    /// No wait is longer than this.
    pub longest: Duration,
    /// The longest `Retry-After` that is obeyed; a longer one ends the call.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(8),
            patience: Duration::from_mins(1),
        }
    }
}

impl Retry {
    /// The wait after so many attempts, before jitter.
    #[must_use]
    pub fn wait_after(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(16);
        (self.first * (1 << doublings)).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry::default();
        let waits: Vec<_> = (1..=7).map(|n| retry.wait_after(n).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
    }

    #[test]
    fn jitter_keeps_at_least_half_of_the_wait() {
        let second = Duration::from_secs(1);
        assert_eq!(Jitter::new(|| 0.0).spread(second), second / 2);
        let system = Jitter::system();
        for _ in 0..100 {
            let wait = system.spread(second);
            assert!((second / 2..=second).contains(&wait));
        }
    }
}
