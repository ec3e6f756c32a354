//! Waiting for a condition in the account.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{Error, Jitter, Result};

/// How many polls in a row may fail for reasons that pass by themselves.
const TOLERATED_FAILURES: u32 = 5;

/// How fast waits poll.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The wait before the first poll; tests against an accelerated account lower it.
    pub first: Duration,
    /// No wait between polls is longer than this.
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(15),
        }
    }
}

/// What one poll saw.
#[derive(Debug)]
pub enum Progress<T> {
    /// The condition holds.
    Done(T),
    /// Not yet; the text is the state seen, for the error that a passed deadline becomes.
    NotYet(String),
}

/// One bounded wait. Dropping its future ends it too.
#[derive(Debug, Clone)]
pub struct Wait {
    deadline: Duration,
    pace: Pace,
    jitter: Jitter,
    stop: CancellationToken,
    at_once: bool,
}

impl Wait {
    /// A wait of at most this long.
    #[must_use]
    pub fn new(deadline: Duration, pace: Pace, jitter: Jitter) -> Self {
        Self {
            deadline,
            pace,
            jitter,
            stop: CancellationToken::new(),
            at_once: false,
        }
    }

    /// The same wait with its first poll at once, for conditions that may hold already.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// The same wait, ended early when the token is cancelled.
    #[must_use]
    pub fn stopped_by(mut self, token: &CancellationToken) -> Self {
        self.stop = token.clone();
        self
    }

    /// Polls until the condition holds. `what` names it, as in "cluster 6f… to become active".
    ///
    /// Errors that pass by themselves are polled through a few times; every other one ends the wait.
    pub async fn until<T, F, P>(&self, what: &str, mut poll: P) -> Result<T>
    where
        F: Future<Output = Result<Progress<T>>>,
        P: FnMut() -> F,
    {
        let end = Instant::now() + self.deadline;
        let mut last = "nothing".to_owned();
        let mut pause = if self.at_once {
            Duration::ZERO
        } else {
            self.pace.first
        };
        let mut failures = 0;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            tokio::select! {
                () = self.stop.cancelled() => {
                    return Err(Error::Stopped { what: what.to_owned(), last });
                }
                () = sleep(self.jitter.spread(pause).min(left)) => {}
            }
            match poll().await {
                Ok(Progress::Done(seen)) => return Ok(seen),
                Ok(Progress::NotYet(state)) => {
                    last = state;
                    failures = 0;
                }
                Err(error) if error.is_transient() && failures < TOLERATED_FAILURES => {
                    failures += 1;
                    last = error.to_string();
                }
                Err(error) => return Err(error),
            }
            if Instant::now() >= end {
                return Err(Error::Deadline {
                    what: what.to_owned(),
                    deadline: self.deadline,
                    last,
                });
            }
            pause = (pause * 3 / 2).max(self.pace.first).min(self.pace.longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::error::{Call, Refusal};

    fn minute() -> Wait {
        Wait::new(Duration::from_mins(1), Pace::default(), Jitter::new(|| 1.0))
    }

    fn server_error() -> Error {
        Error::Server {
            call: Call {
                method: reqwest::Method::GET,
                path: "/v2/vpcs".into(),
            },
            attempts: 5,
            refusal: Refusal {
                status: 500,
                text: "Internal server error.".into(),
                request_id: None,
            },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn polls_after_a_second_and_then_ever_slower() {
        let start = Instant::now();
        let times = RefCell::new(Vec::new());
        let seen = minute()
            .until("the tide", || async {
                times.borrow_mut().push(start.elapsed().as_millis());
                let polls = times.borrow().len();
                Ok(if polls == 4 {
                    Progress::Done(polls)
                } else {
                    Progress::NotYet("ebb".into())
                })
            })
            .await
            .unwrap();
        assert_eq!(seen, 4);
        assert_eq!(times.into_inner(), [1000, 2500, 4750, 8125]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_tells_the_last_state_and_polls_once_at_the_end() {
        let start = Instant::now();
        let error = minute()
            .until::<(), _, _>("the tide", || async { Ok(Progress::NotYet("ebb".into())) })
            .await
            .unwrap_err();
        assert_eq!(start.elapsed(), Duration::from_mins(1));
        assert!(
            error
                .to_string()
                .starts_with("SLW-214: the tide did not come within 1 min: last seen ebb."),
            "{error}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_the_wait_at_once() {
        let token = CancellationToken::new();
        let wait = minute().stopped_by(&token);
        let canceller = token.clone();
        tokio::spawn(async move {
            sleep(Duration::from_secs(3)).await;
            canceller.cancel();
        });
        let start = Instant::now();
        let error = wait
            .until::<(), _, _>("the tide", || async { Ok(Progress::NotYet("ebb".into())) })
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Stopped { .. }), "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn outages_are_polled_through_and_everlasting_ones_are_not() {
        let polls = RefCell::new(0);
        minute()
            .until("the tide", || async {
                *polls.borrow_mut() += 1;
                match *polls.borrow() {
                    1..=3 => Err(server_error()),
                    _ => Ok(Progress::Done(())),
                }
            })
            .await
            .unwrap();
        let error = minute()
            .until::<(), _, _>("the tide", || async { Err(server_error()) })
            .await
            .unwrap_err();
        assert_eq!(error.code(), "SLW-207");
    }
}
