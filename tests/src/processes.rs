//! Everything that any process of this machine showed in its arguments and environment during a stretch of time.

use std::collections::HashSet;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

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

/// Kills the one program of this name in the process group that a command leads, as a crash would.
pub fn kill_in_group(leader: &Child, name: &str) -> Result<()> {
    let group = leader.id().to_string();
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let (Ok(command), Ok(stat)) = (
            std::fs::read(path.join("cmdline")),
            std::fs::read_to_string(path.join("stat")),
        ) else {
            continue;
        };
        let program = command.split(|byte| *byte == 0).next().unwrap_or_default();
        // The fields after the parenthesised name: state, parent, group.
        let in_group = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(2))
            == Some(&group);
        if in_group && String::from_utf8_lossy(program).ends_with(name) {
            let pid = path
                .file_name()
                .and_then(|pid| pid.to_str())
                .context("no pid")?;
            return Ok(kill(Pid::from_raw(pid.parse()?), Signal::SIGKILL)?);
        }
    }
    bail!("no {name} runs in the group of the command")
}
