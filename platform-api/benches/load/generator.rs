//! Sends requests as fast as they are answered, on so many connections, and keeps every latency.

use std::fmt;
use std::time::{Duration, Instant};

/// What a run of requests took.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) worst: Duration,
}

impl Figures {
    fn of(mut latencies: Vec<Duration>, took: Duration) -> Self {
        latencies.sort_unstable();
        let at = |part: f64| {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a part of the number of requests is one of them"
            )]
            let index = (latencies.len() as f64 * part) as usize;
            latencies
                .get(index.min(latencies.len().saturating_sub(1)))
                .copied()
                .unwrap_or_default()
        };
        #[allow(clippy::cast_precision_loss, reason = "fewer than 2^52 requests")]
        let requests = latencies.len() as f64;
        Self {
            per_second: requests / took.as_secs_f64(),
            p50: at(0.5),
            p99: at(0.99),
            worst: latencies.last().copied().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        write!(
            f,
            "{:.0}/s, p50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms",
            self.per_second,
            ms(self.p50),
            ms(self.p99),
            ms(self.worst)
        )
    }
}

/// Lets each of `connections` ask one after another for `lasting`. `ask` gets the number of the connection and of its
/// request; the first tenth of the time warms up and is not counted.
pub(crate) async fn run<A, F>(connections: usize, lasting: Duration, ask: A) -> Figures
where
    A: Fn(usize, usize) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let begun = Instant::now();
    let (counted, end) = (begun + lasting / 10, begun + lasting);
    let tasks: Vec<_> = (0..connections)
        .map(|connection| {
            let ask = ask.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                for number in 0.. {
                    let sent = Instant::now();
                    if sent >= end {
                        break;
                    }
                    ask(connection, number).await;
                    if sent >= counted {
                        latencies.push(sent.elapsed());
                    }
                }
                latencies
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.expect("a connection ends"));
    }
    Figures::of(all, end - counted)
}
