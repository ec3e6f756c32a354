//! Every process of a sandbox, written down before it counts as started, so that a crash of the sandbox loses none.
//!
//! Two things name a process of ours: its line in `DIR/processes` (pid and start time, so that a reused pid is
//! never hit) and the mark in its environment. The file alone would miss a child that was born in the instant
//! before the sandbox died; the mark alone would miss programs that overwrite their environment, as sshd does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// The environment variable that marks every process of a sandbox with the sandbox's folder.
const MARK: &str = "SLIPWAY_SANDBOX";
/// How long the kernel may take to remove a killed process; a machine that swaps needs most of it.
const DEATH_DEADLINE: Duration = Duration::from_secs(20);
/// How many lines of its log stand in the error about a program that ended.
const LOG_LINES: usize = 12;

/// A program to start.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Unique in the sandbox; names the log file.
    pub(crate) name: String,
    pub(crate) executable: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: BTreeMap<String, OsString>,
    pub(crate) folder: PathBuf,
}

impl Program {
    pub(crate) fn new(name: impl Into<String>, executable: &Path, folder: &Path) -> Self {
        Self {
            name: name.into(),
            executable: executable.to_path_buf(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            folder: folder.to_path_buf(),
        }
    }

    pub(crate) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }
}

/// A pid that cannot be mistaken for a later process of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    pid: i32,
    start_time: u64,
}

impl Identity {
    fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command may hold spaces and brackets; what follows the last bracket does not.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?;
        let start_time = fields.nth(18)?.parse().ok()?;
        (state != "Z").then_some(Self { pid, start_time })
    }

    fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

/// A started and registered program.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) name: String,
    identity: Identity,
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn pid(&self) -> i32 {
        self.identity.pid
    }

    /// Fails, with the end of the program's log, when it has ended.
    pub(crate) fn ensure_running(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "{} ended with {status}; its log {} ends with:\n{}",
                self.name,
                self.log.display(),
                last_lines(&self.log)
            );
        }
        Ok(())
    }

    /// Asks the program to end, and kills it when it has not by then.
    pub(crate) async fn stop(mut self, grace: Duration, registry: &Registry) -> Result<()> {
        if self.identity.is_alive() && !grace.is_zero() {
            signal(self.identity, Signal::SIGTERM);
            let _ = tokio::time::timeout(grace, self.child.wait()).await;
        }
        self.child
            .kill()
            .await
            .or_else(ignore_ended)
            .with_context(|| format!("{} cannot be killed", self.name))?;
        registry.forget(self.identity)
    }
}

fn ignore_ended(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::InvalidInput {
        return Ok(());
    }
    Err(error)
}

/// The list of a sandbox's processes.
#[derive(Debug)]
pub(crate) struct Registry {
    folder: PathBuf,
    lines: Mutex<BTreeMap<Identity, String>>,
}

impl Registry {
    /// Opens the list of a sandbox folder that has been swept.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder.join("logs"))?;
        Ok(Self {
            folder: folder.canonicalize()?,
            lines: Mutex::default(),
        })
    }

    /// Starts a program in its own process group (Ctrl-C is for the sandbox to handle), with nothing of the
    /// caller's environment, and registers it.
    pub(crate) fn start(&self, program: &Program) -> Result<Process> {
        let log = self
            .folder
            .join("logs")
            .join(format!("{}.log", program.name));
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("no log file {}", log.display()))?;
        let child = Command::new(&program.executable)
            .args(&program.arguments)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", &program.folder)
            .env(MARK, &self.folder)
            .envs(&program.environment)
            .current_dir(&program.folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!(
                    "{} does not start from {}",
                    program.name,
                    program.executable.display()
                )
            })?;
        let pid = child.id().context("a child without a pid")?;
        let identity = Identity::of(i32::try_from(pid)?)
            .with_context(|| format!("{} ended at once: {}", program.name, last_lines(&log)))?;
        self.remember(identity, &program.name)?;
        Ok(Process {
            name: program.name.clone(),
            identity,
            child,
            log,
        })
    }

    fn remember(&self, identity: Identity, name: &str) -> Result<()> {
        let mut lines = self.lock();
        lines.insert(identity, name.to_owned());
        self.write(&lines)
    }

    fn forget(&self, identity: Identity) -> Result<()> {
        let mut lines = self.lock();
        lines.remove(&identity);
        self.write(&lines)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Identity, String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, lines: &BTreeMap<Identity, String>) -> Result<()> {
        let text: String = lines
            .iter()
            .map(|(identity, name)| format!("{} {} {name}\n", identity.pid, identity.start_time))
            .collect();
        let fresh = self.folder.join("processes.new");
        fs::write(&fresh, text)?;
        fs::rename(&fresh, list_of(&self.folder))?;
        Ok(())
    }
}

/// Ends every process that an earlier life of the sandbox in this folder left behind; says how many there were.
///
/// The programs that head a process namespace of their own take every process in it along.
pub fn sweep(folder: &Path) -> Result<usize> {
    let Ok(folder) = folder.canonicalize() else {
        return Ok(0);
    };
    let started = Instant::now();
    let mut found = 0;
    loop {
        let left = leftovers(&folder);
        if left.is_empty() {
            let _ = fs::remove_file(list_of(&folder));
            return Ok(found);
        }
        found = found.max(left.len());
        ensure!(
            started.elapsed() < DEATH_DEADLINE,
            "{} processes of the sandbox in {} do not die, the first is pid {}",
            left.len(),
            folder.display(),
            left[0].pid
        );
        for identity in left {
            signal(identity, Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the process carries the variable in the environment that it was started with.
pub(crate) fn is_marked(pid: i32, name: &str, value: &[u8]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else {
        return false;
    };
    environment.split(|byte| *byte == 0).any(|entry| {
        entry
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
            .is_some_and(|found| found == value)
    })
}

/// Every pid of the machine that this process may see.
pub(crate) fn all_pids() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

fn leftovers(folder: &Path) -> Vec<Identity> {
    let own = std::process::id().cast_signed();
    let mut left = registered(folder);
    left.extend(
        all_pids()
            .into_iter()
            .filter(|pid| *pid != own && is_marked(*pid, MARK, folder.as_os_str().as_encoded_bytes()))
            .filter_map(Identity::of),
    );
    left.sort_unstable();
    left.dedup();
    left
}

fn registered(folder: &Path) -> Vec<Identity> {
    let text = fs::read_to_string(list_of(folder)).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            Some(Identity {
                pid: fields.next()?.parse().ok()?,
                start_time: fields.next()?.parse().ok()?,
            })
        })
        .filter(|identity| identity.is_alive())
        .collect()
}

fn list_of(folder: &Path) -> PathBuf {
    folder.join("processes")
}

fn signal(identity: Identity, signal: Signal) {
    if !identity.is_alive() {
        return;
    }
    match kill(Pid::from_raw(identity.pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => tracing::warn!(pid = identity.pid, %error, "a process of the sandbox takes no signal"),
    }
}

/// The end of a log, for an error message.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = File::open(log)
        .and_then(std::io::read_to_string)
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
