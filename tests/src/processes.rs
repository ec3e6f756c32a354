//! Everything that any process of this machine showed in its arguments and environment during a stretch of time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// One sight of a process: its program, and what it showed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sight {
    /// Name of the program as the kernel keeps it (15 characters).
    pub program: String,
    /// `cmdline` or `environ`.
    pub place: &'static str,
    /// The text, its zero bytes as spaces.
    pub text: String,
}

/// A watch over `/proc` that goes on until it is asked what it saw.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<HashSet<Sight>>,
}

impl Watch {
    /// Starts to watch. A process that lives shorter than a few milliseconds can slip through.
    #[must_use]
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = HashSet::new();
            while !told.load(Ordering::Relaxed) {
                look(&mut seen);
                std::thread::sleep(Duration::from_millis(10));
            }
            seen
        });
        Self { stop, thread }
    }

    /// Ends the watch and gives everything it saw.
    #[must_use]
    pub fn sights(self) -> HashSet<Sight> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn look(seen: &mut HashSet<Sight>) {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return;
    };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let Ok(program) = std::fs::read_to_string(path.join("comm")) else {
            continue;
        };
        for place in ["cmdline", "environ"] {
            if let Ok(bytes) = std::fs::read(path.join(place)) {
                let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
                seen.insert(Sight {
                    program: program.trim().to_owned(),
                    place,
                    text,
                });
            }
        }
    }
}
