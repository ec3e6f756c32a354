//! What the sandbox started, written down so that it can be ended even after a `kill -9`.
//!
//! A child is registered (pid and kernel start time, one file each) before anybody may rely on it. Sessions that a host's
//! `sshd` opened are no children of ours; they carry [`MARK_VARIABLE`] with this sandbox's random mark in their environment.
//! A process is signalled only when start time or mark prove that it is ours: pids come round again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Environment variable that every process of a sandbox carries, as far as its program lets it.
pub const MARK_VARIABLE: &str = "SLIPWAY_SANDBOX_MARK";

/// How long a process may take to end by itself: nothing it could still save is wanted.
const GRACE: Duration = Duration::from_millis(500);
/// How long the kernel may take to remove a killed one.
const KILLED: Duration = Duration::from_secs(8);

/// The registry in `DIR/processes`, one file a process.
#[derive(Clone, Debug)]
pub struct Processes {
    folder: PathBuf,
    mark: String,
}

/// A registered process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot, field 22 of `/proc/PID/stat`.
    pub started: u64,
    /// What it is, for people.
    pub name: String,
}

/// The registry could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("SLW-903: the list of started processes in {} could not be used: {source}", .folder.display())]
pub struct RegistryError {
    folder: PathBuf,
    source: std::io::Error,
}

impl Processes {
    /// Opens the registry of a sandbox folder, with the mark that stands there or this new one.
    pub fn open(dir: &Path, new_mark: &str) -> Result<Self, RegistryError> {
        let folder = dir.join("processes");
        let mark_file = folder.join("mark");
        let failed = |source| RegistryError {
            folder: folder.clone(),
            source,
        };
        fs::create_dir_all(&folder).map_err(failed)?;
        let mark = match fs::read_to_string(&mark_file) {
            Ok(mark) if !mark.is_empty() => mark,
            _ => {
                fs::write(&mark_file, new_mark).map_err(failed)?;
                new_mark.to_owned()
            }
        };
        Ok(Self { folder, mark })
    }

    /// Value of [`MARK_VARIABLE`] for everything this sandbox starts.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// Writes a child down. Call it right after the spawn, before the child is used.
    pub fn register(&self, pid: u32, name: &str) -> Result<(), RegistryError> {
        let pid = i32::try_from(pid).unwrap_or(i32::MAX);
        // A child that is gone already needs no entry.
        let Some(started) = start_time(pid) else {
            return Ok(());
        };
        fs::write(
            self.folder.join(pid.to_string()),
            format!("{started} {name}"),
        )
        .map_err(|source| RegistryError {
            folder: self.folder.clone(),
            source,
        })
    }

    /// Forgets a child whose end was seen.
    pub fn forget(&self, pid: u32) {
        let _gone_already = fs::remove_file(self.folder.join(pid.to_string()));
    }

    /// Registered processes that still run.
    pub fn running(&self) -> Result<Vec<Process>, RegistryError> {
        let failed = |source| RegistryError {
            folder: self.folder.clone(),
            source,
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let pid = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(|name| name.parse::<i32>().ok());
            let Some(pid) = pid else { continue };
            let text = fs::read_to_string(&path).unwrap_or_default();
            let (started, name) = text.split_once(' ').unwrap_or((text.as_str(), ""));
            let process = Process {
                pid,
                started: started.parse().unwrap_or(0),
                name: name.to_owned(),
            };
            if start_time(pid) == Some(process.started) {
                found.push(process);
            } else {
                let _gone_already = fs::remove_file(&path);
            }
        }
        Ok(found)
    }

    /// Ends everything that is proved to be of this sandbox and returns what that was. Blocks up to 9 seconds.
    pub fn reap(&self) -> Result<Vec<Process>, RegistryError> {
        let ours = |processes: &Self| -> Result<Vec<Process>, RegistryError> {
            let mut all = processes.running()?;
            all.extend(marked(&processes.mark));
            all.retain(|process| process.pid != std::process::id().cast_signed());
            all.sort_by_key(|process| process.pid);
            all.dedup_by_key(|process| process.pid);
            Ok(all)
        };
        let found = ours(self)?;
        for (signal, grace) in [(Signal::SIGTERM, GRACE), (Signal::SIGKILL, KILLED)] {
            let deadline = Instant::now() + grace;
            let mut left = ours(self)?;
            for process in &left {
                let _raced_with_its_end = kill(Pid::from_raw(process.pid), signal);
            }
            while !left.is_empty() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
                left = ours(self)?;
            }
            if left.is_empty() {
                break;
            }
        }
        Ok(found)
    }
}

/// Start time of a process that runs (a zombie does not).
pub(crate) fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name stands in parentheses and may hold anything, also parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Processes whose environment holds the mark.
fn marked(mark: &str) -> Vec<Process> {
    let wanted = format!("{MARK_VARIABLE}={mark}");
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|line| line == wanted.as_bytes())
            })
        })
        .filter_map(|pid| {
            Some(Process {
                pid,
                started: start_time(pid)?,
                name: "session of a host".to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn sleeper(variables: &[(&str, &str)]) -> std::process::Child {
        Command::new("sleep")
            .arg("600")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn reap_ends_registered_and_marked_processes_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let processes = Processes::open(dir.path(), "mark-of-this-test-1").unwrap();
        let mut registered = sleeper(&[]);
        let mut session = sleeper(&[(MARK_VARIABLE, "mark-of-this-test-1")]);
        let mut stranger = sleeper(&[(MARK_VARIABLE, "mark-of-this-test-12")]);
        processes.register(registered.id(), "engine").unwrap();

        // The children are ours, so they stay zombies until waited for; a zombie counts as ended.
        let reaped = Processes::open(dir.path(), "ignored")
            .unwrap()
            .reap()
            .unwrap();

        let mut pids: Vec<_> = reaped
            .iter()
            .map(|process| process.pid.cast_unsigned())
            .collect();
        pids.sort_unstable();
        let mut expected = vec![registered.id(), session.id()];
        expected.sort_unstable();
        assert_eq!(pids, expected);
        assert!(!registered.wait().unwrap().success());
        assert!(!session.wait().unwrap().success());
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[test]
    fn a_pid_that_came_round_again_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let processes = Processes::open(dir.path(), "mark-of-this-test-2").unwrap();
        let mut stranger = sleeper(&[]);
        fs::write(
            dir.path().join("processes").join(stranger.id().to_string()),
            "12 engine",
        )
        .unwrap();

        assert_eq!(processes.reap().unwrap(), Vec::new());
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
