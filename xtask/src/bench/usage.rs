//! What a command used: wall clock, processor, and the memory of one program below it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// How often the memory is looked at. The kernel keeps the peak itself, so only the last stretch can be missed.
const LOOK: Duration = Duration::from_millis(20);
/// Linux keeps this much of a program's name.
const NAME_LENGTH: usize = 15;

/// What one command used.
pub(super) struct Usage {
    /// Seconds on the wall clock.
    pub(super) wall_seconds: f64,
    /// Processor seconds of the command and of everything it started and waited for.
    pub(super) cpu_seconds: f64,
    /// Largest resident memory of any process of the watched program, MiB.
    pub(super) peak_mebibytes: f64,
}

/// Runs `work`, which starts one command and waits for it, and says what that used. Nothing else of this process may
/// start commands meanwhile: the kernel sums over all children.
pub(super) fn measured<T>(program: &str, work: impl FnOnce() -> Result<T>) -> Result<(T, Usage)> {
    let done = Arc::new(AtomicBool::new(false));
    let watch = {
        let (done, name) = (Arc::clone(&done), truncated(program));
        thread::spawn(move || {
            let mut peak = 0.0_f64;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(peak_of(&name));
                thread::sleep(LOOK);
            }
            peak
        })
    };
    let before = children_cpu()?;
    let started = Instant::now();
    let outcome = work();
    let wall_seconds = started.elapsed().as_secs_f64();
    let cpu_seconds = children_cpu()? - before;
    done.store(true, Ordering::Relaxed);
    let peak_mebibytes = watch.join().unwrap_or(f64::NAN);
    Ok((
        outcome?,
        Usage {
            wall_seconds,
            cpu_seconds,
            peak_mebibytes,
        },
    ))
}

fn truncated(program: &str) -> String {
    program.chars().take(NAME_LENGTH).collect()
}

fn children_cpu() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn seconds(time: TimeVal) -> f64 {
    Duration::from_secs(time.tv_sec().unsigned_abs()).as_secs_f64()
        + Duration::from_micros(time.tv_usec().unsigned_abs()).as_secs_f64()
}

/// Peak resident memory, MiB, of the largest running process of this name.
fn peak_of(name: &str) -> f64 {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0.0;
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| {
            std::fs::read_to_string(entry.path().join("comm"))
                .is_ok_and(|comm| comm.trim_end() == name)
        })
        .filter_map(|entry| super::handshake::peak_memory(&entry.path()).ok())
        .fold(0.0, f64::max)
}
