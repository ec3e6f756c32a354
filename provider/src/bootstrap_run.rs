//! `slipway-bootstrap` as a child process: the request on its stdin, its events on stdout.
//!
//! Secrets go through the pipe and nowhere else; the child gets an environment of its own without the API key. When
//! this process dies, the kernel ends the child; when Terraform asks to stop, the child is asked first and waited for.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use run_report::{
    ComponentStatus, Envelope, Event, EventReader, Failure, Line, Outcome, Request, TaskStatus,
};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::bootstrap_place::AGENT;
use crate::fault::{self, Fault};
use crate::upgrade::Tell;

/// How long a child may take to record where it stopped before it is ended.
const STOP_GRACE: Duration = Duration::from_mins(1);

/// How many lines of the child's stderr an error shows.
const STDERR_LINES: usize = 12;

/// What the child may see of this process's environment. Never the API key.
const ENVIRONMENT: [&str; 10] = [
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "RUST_LOG",
];

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) failures: BTreeMap<String, Option<Failure>>,
    pub(crate) stderr: Vec<String>,
}

/// What a child is told on its command line and by its environment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Orders<'a> {
    /// A component whose playbook runs whatever the journal says.
    pub(crate) forced: Option<&'a str>,
    /// The archive that stands in for the internet.
    pub(crate) bundle: Option<&'a Path>,
    /// Whether it may ask the user's SSH agent.
    pub(crate) agent: bool,
}

/// Runs the child to its end. `tell` hears, line by line, what goes on.
pub(crate) async fn run(
    program: &Path,
    request: &Request,
    orders: Orders<'_>,
    tell: Tell<'_>,
    stop: &CancellationToken,
) -> Result<Report, Fault> {
    let mut child = spawn(program, orders)?;
    let lost = |what: &str| {
        Fault::new(
            fault::RUN_FAILED,
            format!("{} has no {what}.", program.display()),
        )
    };
    let stdin = child.stdin.take().ok_or_else(|| lost("stdin"))?;
    let stdout = child.stdout.take().ok_or_else(|| lost("stdout"))?;
    let stderr = child.stderr.take().ok_or_else(|| lost("stderr"))?;

    let writing = hand_over(stdin, request);
    let reading = follow(stdout, tell);
    let complaints = last_lines(stderr);
    let everything = async { tokio::join!(writing, reading, complaints) };
    tokio::pin!(everything);
    let (written, events, stderr) = tokio::select! {
        done = &mut everything => done,
        () = stop.cancelled() => {
            ask_to_stop(&child);
            if let Ok(done) = tokio::time::timeout(STOP_GRACE, &mut everything).await {
                done
            } else {
                let _ = child.start_kill();
                everything.await
            }
        }
    };
    let status = child.wait().await.map_err(|error| {
        Fault::new(
            fault::RUN_FAILED,
            format!("The end of slipway-bootstrap cannot be read: {error}."),
        )
    })?;
    let (said, failures) = events.map_err(|error| broken(&error, &stderr))?;
    let outcome = said.or_else(|| status.code().and_then(Outcome::from_exit_code));
    if let Some(outcome) = outcome {
        return Ok(Report {
            outcome,
            failures,
            stderr,
        });
    }
    let reason = match written {
        Err(error) => format!("it ended with {status} before it had read its request ({error})"),
        Ok(()) => format!("it ended with {status} and said no outcome"),
    };
    Err(broken(&reason, &stderr))
}

fn spawn(program: &Path, orders: Orders<'_>) -> Result<Child, Fault> {
    let mut command = Command::new(program);
    command.args(["run", "--request", "-"]);
    if let Some(name) = orders.forced {
        command.args(["--force", name]);
    }
    if let Some(bundle) = orders.bundle {
        command.arg("--bundle").arg(bundle);
    }
    let agent = orders.agent.then_some(AGENT);
    command
        .env_clear()
        .envs(
            ENVIRONMENT
                .into_iter()
                .chain(agent)
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    die_with_us(&mut command);
    command.spawn().map_err(|error| {
        Fault::new(
            fault::BOOTSTRAP_MISSING,
            format!(
                "{} does not start: {error}.\nInstall slipway-bootstrap beside the provider, or name it in bootstrap_path or SLIPWAY_BOOTSTRAP.",
                program.display()
            ),
        )
    })
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn die_with_us(command: &mut Command) {
    let parent = nix::unistd::getpid();
    // SAFETY: between fork and exec only prctl and getppid run; both are async-signal-safe and allocate nothing.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            // The parent may have died before the line above.
            if nix::unistd::getppid() == parent {
                Ok(())
            } else {
                Err(std::io::Error::from_raw_os_error(
                    nix::errno::Errno::ESRCH as i32,
                ))
            }
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_: &mut Command) {
    // Elsewhere the child ends by itself when its stdout is closed.
}

async fn hand_over(
    mut stdin: tokio::process::ChildStdin,
    request: &Request,
) -> std::io::Result<()> {
    let mut text = Zeroizing::new(Vec::new());
    request.write_to(&mut *text)?;
    stdin.write_all(&text).await?;
    stdin.shutdown().await
}

fn ask_to_stop(child: &Child) {
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) {
        tracing::info!("asking slipway-bootstrap to stop");
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
}

type Said = (Option<Outcome>, BTreeMap<String, Option<Failure>>);

/// Reads events to the end of the stream and logs what a person would follow.
async fn follow(stdout: impl AsyncRead + Unpin, tell: Tell<'_>) -> Result<Said, String> {
    let mut lines = BufReader::new(stdout).lines();
    let mut reader = EventReader::default();
    let mut said = (None, BTreeMap::new());
    while let Some(line) = lines.next_line().await.map_err(|error| error.to_string())? {
        if let Line::Known(envelope) = reader.read(&line).map_err(|error| error.to_string())? {
            log(&envelope);
            if let Some(line) = in_words(&envelope.event) {
                tell(&line);
            }
            match envelope.event {
                Event::ComponentFinished {
                    name,
                    status: ComponentStatus::Failed,
                    failure,
                    ..
                } => {
                    said.1.insert(name, failure);
                }
                Event::RunFinished { outcome, .. } => said.0 = Some(outcome),
                _ => {}
            }
        }
    }
    Ok(said)
}

/// An event as a person follows it; nothing for those that say little.
fn in_words(event: &Event) -> Option<String> {
    Some(match event {
        Event::HostConnected { address } => format!("bootstrap host {address} answers"),
        Event::ComponentStarted(planned) => format!("{}: started", planned.name),
        Event::Play { component, name } => format!("{component}: play {name}"),
        Event::Task {
            component,
            name,
            status: TaskStatus::Ok | TaskStatus::Changed | TaskStatus::Failed,
            duration_ms,
            ..
        } => format!("{component}: {name} ({} s)", duration_ms / 1000),
        Event::ComponentFinished {
            name,
            status,
            changed,
            ..
        } => format!("{name}: {status:?}, {changed} tasks changed something").to_lowercase(),
        _ => return None,
    })
}

fn log(envelope: &Envelope) {
    match &envelope.event {
        Event::HostConnected { address } => tracing::info!(%address, "bootstrap host answers"),
        Event::ComponentStarted(planned) => {
            tracing::info!(component = %planned.name, reason = ?planned.reason, "component started");
        }
        Event::ComponentFinished {
            name,
            status,
            duration_ms,
            changed,
            ..
        } => tracing::info!(component = %name, ?status, duration_ms, changed, "component finished"),
        Event::Task {
            component,
            name,
            status: status @ (TaskStatus::Failed | TaskStatus::Unreachable),
            ..
        } => tracing::warn!(%component, task = %name, ?status, "task failed"),
        Event::Task {
            component,
            name,
            status,
            duration_ms,
            ..
        } => tracing::debug!(%component, task = %name, ?status, duration_ms, "task"),
        _ => {}
    }
}

async fn last_lines(stderr: impl AsyncRead + Unpin) -> Vec<String> {
    let mut lines = BufReader::new(stderr).lines();
    let mut kept = std::collections::VecDeque::new();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(target: "slipway_bootstrap", "{line}");
        kept.push_back(line);
        if kept.len() > STDERR_LINES {
            kept.pop_front();
        }
    }
    kept.into()
}

fn broken(reason: &str, stderr: &[String]) -> Fault {
    let said = if stderr.is_empty() {
        String::new()
    } else {
        format!("\nIt said last:\n  {}", stderr.join("\n  "))
    };
    Fault::new(
        fault::RUN_FAILED,
        format!(
            "slipway-bootstrap broke off: {reason}. Apply again: finished components are not run again.{said}"
        ),
    )
}

#[cfg(test)]
mod tests;
