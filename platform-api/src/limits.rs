//! How often a principal may ask.

use governor::clock::{Clock, QuantaClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::state::{InMemoryState, StateStore};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// How often a principal may ask, and how many principals are told apart.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Requests a second, for good.
    pub per_second: NonZeroU32,
    /// Requests at once after a quiet time.
    pub burst: NonZeroU32,
    /// Principals that are told apart. While that many are busy, all others share one quota, so that nobody can fill
    /// the memory with names.
    pub principals: usize,
}

/// The rates of all principals, as this process sees them. Cheap to clone.
#[derive(Clone)]
pub struct Rates<C = QuantaClock>
where
    C: Clock,
{
    limiter: Arc<RateLimiter<String, Bounded, C, NoOpMiddleware<C::Instant>>>,
    principals: usize,
}

/// Too many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "SLW-560: too many requests at once; this one was not looked at, send it again in {retry_after} s"
)]
pub struct TooMany {
    /// Whole seconds until a request is taken again: the header `Retry-After`.
    pub retry_after: u64,
}

impl Rates {
    /// Rates by the clock of this machine.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with_clock(settings, QuantaClock::default())
    }
}

impl<C> Rates<C>
where
    C: Clock,
{
    /// Rates by another clock.
    pub fn with_clock(settings: Settings, clock: C) -> Self {
        let quota = Quota::per_second(settings.per_second).allow_burst(settings.burst);
        let state = Bounded {
            most: settings.principals,
            known: DashMapStateStore::default(),
            others: InMemoryState::default(),
        };
        Self {
            limiter: Arc::new(RateLimiter::new(quota, state, clock)),
            principals: settings.principals,
        }
    }

    /// Counts a request of this principal, or refuses it.
    pub fn take(&self, principal: &str) -> Result<(), TooMany> {
        if self.limiter.len() >= self.principals {
            // Those whose quota is whole again need not be remembered.
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&principal.to_owned())
            .map_err(|until| TooMany {
                retry_after: whole_seconds(until.wait_time_from(self.limiter.clock().now())),
            })
    }

    /// How many principals are told apart now.
    #[must_use]
    pub fn principals(&self) -> usize {
        self.limiter.len()
    }
}

/// Waiting a part of a second less than was asked would be refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The state of so many principals, and one for all that came later.
struct Bounded {
    most: usize,
    known: DashMapStateStore<String>,
    others: InMemoryState,
}

impl StateStore for Bounded {
    type Key = String;

    fn measure_and_replace<T, F, E>(&self, key: &String, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if self.known.len() < self.most || self.known.contains_key(key) {
            self.known.measure_and_replace(key, f)
        } else {
            self.others
                .measure_and_replace(&governor::state::NotKeyed::NonKey, f)
        }
    }
}

impl ShrinkableKeyedStateStore<String> for Bounded {
    fn retain_recent(&self, drop_below: Nanos) {
        self.known.retain_recent(drop_below);
    }

    fn len(&self) -> usize {
        self.known.len()
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn rates(burst: u32, principals: usize) -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let settings = Settings {
            per_second: NonZeroU32::new(1).expect("not zero"),
            burst: NonZeroU32::new(burst).expect("not zero"),
            principals,
        };
        (Rates::with_clock(settings, clock.clone()), clock)
    }

    #[test]
    fn a_principal_gets_its_burst_and_is_told_when_to_come_back() {
        let (rates, clock) = rates(3, 10);
        for _ in 0..3 {
            rates.take("ada").expect("within the burst");
        }
        let refused = rates.take("ada").expect_err("beyond the burst");
        assert_eq!(refused.retry_after, 1);
        clock.advance(Duration::from_secs(refused.retry_after));
        rates.take("ada").expect("it waited as it was told");
    }

    #[test]
    fn one_principal_does_not_use_up_what_another_has() {
        let (rates, _) = rates(1, 10);
        rates.take("ada").expect("the first");
        rates.take("ada").expect_err("beyond the burst");
        rates.take("bob").expect("another principal");
    }

    #[test]
    fn names_without_end_neither_fill_the_memory_nor_get_more_than_one_quota() {
        let (rates, _) = rates(2, 100);
        let taken = (0..10_000)
            .filter(|number| rates.take(&format!("name {number}")).is_ok())
            .count();
        assert_eq!(rates.principals(), 100);
        assert_eq!(taken, 100 + 2, "all the others share one burst");
    }

    #[test]
    fn a_quiet_principal_makes_room_for_another() {
        let (rates, clock) = rates(1, 1);
        rates.take("ada").expect("the first");
        clock.advance(Duration::from_secs(5));
        rates.take("bob").expect("in the place of ada");
        rates.take("ada").expect("from the quota of all others");
        rates.take("eve").expect_err("that quota is used up");
    }
}
