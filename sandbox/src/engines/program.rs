//! Starts a program so that nothing of the caller's environment reaches it and no crash loses it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::processes::{MARK_VARIABLE, Processes};

/// How many lines of its log stand in the error about a program that ended.
const LOG_LINES: usize = 12;

/// A program to start.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    name: String,
    executable: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<String, OsString>,
    folder: PathBuf,
}

impl Program {
    /// A program that works in `folder`; its name is unique in the sandbox and names its log.
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

    pub(crate) fn arguments<A: Into<OsString>>(
        mut self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Starts and registers the program. Its own process group keeps the terminal's Ctrl-C away from it: ending
    /// things in order is the sandbox's work.
    pub(crate) fn start(&self, processes: &Processes, logs: &Path) -> Result<Running> {
        fs::create_dir_all(logs)?;
        let log = logs.join(format!("{}.log", self.name));
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("no log file {}", log.display()))?;
        let child = Command::new(&self.executable)
            .args(&self.arguments)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", &self.folder)
            .env(MARK_VARIABLE, processes.mark())
            .envs(&self.environment)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!(
                    "{} does not start from {}",
                    self.name,
                    self.executable.display()
                )
            })?;
        let pid = child.id().context("a child without a process id")?;
        processes.register(pid, &self.name)?;
        Ok(Running {
            name: self.name.clone(),
            pid,
            child,
            log,
            processes: processes.clone(),
        })
    }
}

/// A started and registered program; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    pid: u32,
    child: Child,
    log: PathBuf,
    processes: Processes,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Fails, with the end of the program's log, when it has ended.
    pub(crate) fn ensure_alive(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "SLW-931: {} ended ({status}); its log {} ends with:\n{}",
                self.name,
                self.log.display(),
                last_lines(&self.log)
            );
        }
        Ok(())
    }

    /// Asks the program to end within `grace`, then kills it.
    pub(crate) async fn stop(mut self, grace: Duration) -> Result<()> {
        if !grace.is_zero() && self.child.try_wait()?.is_none() {
            let _raced_with_its_end = kill(Pid::from_raw(self.pid.cast_signed()), Signal::SIGTERM);
            let _killed_below = tokio::time::timeout(grace, self.child.wait()).await;
        }
        if self.child.try_wait()?.is_none() {
            self.child
                .kill()
                .await
                .with_context(|| format!("{} cannot be killed", self.name))?;
        }
        self.processes.forget(self.pid);
        Ok(())
    }
}

/// The end of a log, for an error message.
fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
