//! Random sequences of what users do, what people do at the console, and what goes wrong, against an account of records.
//!
//! After every step the state equals the account, the plan is empty, nothing is there twice and nothing foreign was touched;
//! after the last one nothing is left. A sequence that fails is made shorter as long as it fails, and printed with the command
//! that repeats it:
//!
//! ```console
//! SLIPWAY_SEQUENCE=17:0,3 cargo test -p slipway-tests --test suite provider_sequences
//! SLIPWAY_SEQUENCES=1000 cargo test -p slipway-tests --test suite provider_sequences
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod foreign;
mod model;
mod sequence;
mod steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sequence::Sequence;
use steps::Lane;

/// How many sequences are run, unless `SLIPWAY_SEQUENCES` says otherwise: unoptimized, a thousand take ten minutes.
const SEQUENCES: u64 = 100;
/// Accounts and providers side by side: most of the time each waits.
const LANES: usize = 4;

/// The sequence that the environment names, by its seed and the steps that are kept.
fn named() -> Option<Sequence> {
    let text = std::env::var("SLIPWAY_SEQUENCE").ok()?;
    let (seed, kept) = text.split_once(':').unwrap_or((&text, ""));
    let sequence = Sequence::of(
        seed.parse()
            .expect("SLIPWAY_SEQUENCE is SEED or SEED:STEP,STEP,…"),
    );
    if kept.is_empty() {
        return Some(sequence);
    }
    let kept: Vec<usize> = kept.split(',').map(|step| step.parse().unwrap()).collect();
    Some(sequence.only(&kept))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_and_account_agree_whatever_happens() {
    if let Some(sequence) = named() {
        println!("{sequence}");
        let outcome = Lane::open().await.unwrap().run(&sequence).await;
        return outcome.unwrap_or_else(|error| panic!("{error:#}"));
    }
    let wanted = std::env::var("SLIPWAY_SEQUENCES").ok();
    let wanted = wanted.map_or(SEQUENCES, |text| {
        text.parse().expect("a number of sequences")
    });
    let (started, next) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let lanes: Vec<_> = (0..LANES)
        .map(|_| tokio::spawn(run_lane(Arc::clone(&next), wanted)))
        .collect();
    let mut steps = 0;
    for lane in lanes {
        match lane.await {
            Ok(walked) => steps += walked,
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
    println!(
        "{wanted} sequences of {steps} steps in {:?}",
        started.elapsed()
    );
}

/// Runs sequences until there are none left; one that fails ends the test.
async fn run_lane(next: Arc<AtomicU64>, wanted: u64) -> usize {
    let mut lane = Lane::open().await.unwrap();
    let mut steps = 0;
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= wanted {
            return steps;
        }
        let sequence = Sequence::of(seed);
        steps += sequence.len();
        if let Err(error) = lane.run(&sequence).await {
            next.store(wanted, Ordering::Relaxed);
            let (shortest, error) = shrink(sequence, error).await;
            panic!("{shortest}\n{error:#}\n\nrepeat it: {}", shortest.command());
        }
    }
}

/// Leaves steps out as long as the sequence fails without them.
async fn shrink(mut failing: Sequence, mut error: anyhow::Error) -> (Sequence, anyhow::Error) {
    let mut at = 0;
    while at < failing.len() {
        let shorter = failing.without(at);
        // A new account each time: the failed one is in an unknown state.
        match Lane::open().await.unwrap().run(&shorter).await {
            Err(still) => (failing, error) = (shorter, still),
            Ok(()) => at += 1,
        }
    }
    (failing, error)
}
