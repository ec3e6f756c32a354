//! The account's time: as fast as life, faster, or stepped by hand.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Longest single step; more is a slip of the pen.
const LONGEST_STEP: f64 = 10.0 * 365.0 * 86_400.0;
const FASTEST: f64 = 1_000_000.0;

/// How the account's time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many account seconds for each second of the machine.
    Scaled(f64),
    /// Only by hand.
    Stepped,
}

/// What `GET /_sandbox/clock` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockView {
    /// `real`, `scaled` or `stepped`.
    pub mode: String,
    /// Account seconds for each second of the machine; 0 when stepped.
    pub speed: f64,
    /// The account's time.
    pub now: Timestamp,
}

/// What `POST /_sandbox/clock` takes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockOrder {
    /// `real`, `scaled` or `stepped`.
    #[serde(default)]
    pub mode: Option<String>,
    /// Needed with `scaled`.
    #[serde(default)]
    pub speed: Option<f64>,
    /// Moves time on by so many seconds, in any mode.
    #[serde(default)]
    pub advance_s: Option<f64>,
}

/// An order that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// Unknown mode.
    #[error("SLW-910: {0:?} is no mode of the clock; use real, scaled or stepped")]
    Mode(String),
    /// Speed missing or out of range.
    #[error("SLW-911: scaled time needs a speed above 0 and up to {FASTEST}")]
    Speed,
    /// Step out of range.
    #[error("SLW-912: time moves forward only, by up to ten years at once")]
    Step,
}

/// The account's clock.
#[derive(Debug)]
pub struct Clock {
    reading: Mutex<Reading>,
}

#[derive(Debug)]
struct Reading {
    taken: Instant,
    time: Timestamp,
    pace: Pace,
}

impl Reading {
    fn now(&self) -> Timestamp {
        match self.pace {
            Pace::Stepped => self.time,
            Pace::Scaled(speed) => self.time + seconds(self.taken.elapsed().as_secs_f64() * speed),
        }
    }
}

fn seconds(amount: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(amount).unwrap_or(SignedDuration::ZERO)
}

impl Clock {
    /// A clock that shows `start` now.
    #[must_use]
    pub fn new(start: Timestamp, pace: Pace) -> Self {
        Self {
            reading: Mutex::new(Reading {
                taken: Instant::now(),
                time: start,
                pace,
            }),
        }
    }

    /// The account's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// Carries out an order.
    pub fn obey(&self, order: &ClockOrder) -> Result<(), ClockError> {
        let pace = match (order.mode.as_deref(), order.speed) {
            (None, None) => None,
            (Some("real"), _) => Some(Pace::Scaled(1.0)),
            (Some("stepped"), _) => Some(Pace::Stepped),
            (Some("scaled") | None, speed) => Some(Pace::Scaled(
                speed
                    .filter(|speed| *speed > 0.0 && *speed <= FASTEST)
                    .ok_or(ClockError::Speed)?,
            )),
            (Some(other), _) => return Err(ClockError::Mode(other.to_owned())),
        };
        let step = order.advance_s.unwrap_or(0.0);
        if !(0.0..=LONGEST_STEP).contains(&step) {
            return Err(ClockError::Step);
        }
        let mut reading = self.lock();
        reading.time = reading.now() + seconds(step);
        reading.taken = Instant::now();
        if let Some(pace) = pace {
            reading.pace = pace;
        }
        Ok(())
    }

    /// How long the machine has to wait until the account's time is `moment`; `None` when only a hand can bring it.
    #[must_use]
    pub fn until(&self, moment: Timestamp) -> Option<Duration> {
        let reading = self.lock();
        let left = moment.duration_since(reading.now()).as_secs_f64().max(0.0);
        match reading.pace {
            Pace::Stepped => (left == 0.0).then_some(Duration::ZERO),
            Pace::Scaled(speed) => Some(Duration::from_secs_f64(left / speed)),
        }
    }

    /// How time passes now.
    #[must_use]
    pub fn view(&self) -> ClockView {
        let reading = self.lock();
        let (mode, speed) = match reading.pace {
            Pace::Stepped => ("stepped", 0.0),
            Pace::Scaled(speed) if (speed - 1.0).abs() < f64::EPSILON => ("real", speed),
            Pace::Scaled(speed) => ("scaled", speed),
        };
        ClockView {
            mode: mode.to_owned(),
            speed,
            now: reading.now(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_stepped_clock_moves_by_hand_only() {
        let clock = Clock::new(start(), Pace::Stepped);
        assert_eq!(clock.now(), start());
        clock
            .obey(&ClockOrder {
                advance_s: Some(61.5),
                ..ClockOrder::default()
            })
            .unwrap();
        assert_eq!(clock.now(), start() + SignedDuration::from_millis(61_500));
        assert_eq!(
            clock.until(clock.now() + SignedDuration::from_secs(1)),
            None
        );
    }

    #[test]
    fn a_scaled_clock_says_how_long_the_machine_waits() {
        let clock = Clock::new(start(), Pace::Scaled(60.0));
        let wait = clock
            .until(start() + SignedDuration::from_secs(60))
            .unwrap();
        assert!(
            wait <= Duration::from_secs(1) && wait > Duration::from_millis(500),
            "{wait:?}"
        );
        assert_eq!(clock.view().mode, "scaled");
    }

    #[test]
    fn orders_without_sense_change_nothing() {
        let clock = Clock::new(start(), Pace::Stepped);
        let order = |mode: Option<&str>, speed, advance_s| ClockOrder {
            mode: mode.map(str::to_owned),
            speed,
            advance_s,
        };
        assert!(clock.obey(&order(Some("warp"), None, None)).is_err());
        assert!(clock.obey(&order(Some("scaled"), None, None)).is_err());
        assert!(clock.obey(&order(None, Some(0.0), None)).is_err());
        assert!(clock.obey(&order(None, None, Some(-1.0))).is_err());
        assert_eq!(
            (clock.now(), clock.view().mode.as_str()),
            (start(), "stepped")
        );
    }
}
