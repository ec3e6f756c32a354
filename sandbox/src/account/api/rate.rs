//! The vendor's request limit: so many a second and source address.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

/// Counts requests of the last second by the machine's time.
#[derive(Debug)]
pub(crate) struct RateLimit {
    most: u32,
    seen: HashMap<IpAddr, VecDeque<Instant>>,
}

impl RateLimit {
    /// A limit; 0 means none.
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most,
            seen: HashMap::new(),
        }
    }

    /// Changes the limit.
    pub(crate) fn set(&mut self, most: u32) {
        *self = Self::new(most);
    }

    /// The limit; 0 means none.
    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    /// Counts a request and says whether it may pass.
    pub(super) fn allows(&mut self, source: IpAddr, now: Instant) -> bool {
        if self.most == 0 {
            return true;
        }
        let seen = self.seen.entry(source).or_default();
        while seen
            .front()
            .is_some_and(|at| now.duration_since(*at) >= WINDOW)
        {
            seen.pop_front();
        }
        let allowed = seen.len() < self.most as usize;
        if allowed {
            seen.push_back(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_moves_on() {
        let mut limit = RateLimit::new(2);
        let source = IpAddr::from([127, 0, 0, 1]);
        let start = Instant::now();
        let mut at = |millis| limit.allows(source, start + Duration::from_millis(millis));
        assert_eq!(
            [at(0), at(500), at(900), at(1001), at(1100), at(1501)],
            [true, true, false, true, false, true]
        );
    }
}
