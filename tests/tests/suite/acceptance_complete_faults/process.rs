//! `slipway-bootstrap run` as a child, and its events as they come.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use run_report::{Envelope, EventReader, Line};
use serde_json::Value;
use slipway_tests::{Sandbox, binary};

/// Longer than any two events of a run are apart.
const SILENCE: Duration = Duration::from_mins(5);

/// The child; dropping it ends it.
pub(super) struct Process {
    child: Child,
    lines: Receiver<String>,
    reader: EventReader,
    stderr: PathBuf,
}

impl Process {
    pub(super) fn start(request: &Value, sandbox: &Sandbox) -> Result<Self> {
        let stderr = sandbox.folder().join("bootstrap.log");
        let log = std::fs::File::create(&stderr)?;
        let mut child = Command::new(binary("slipway-bootstrap")?)
            .args(["run", "--request", "-"])
            .env("XDG_STATE_HOME", sandbox.folder().join("state-of-runs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        stdin.write_all(request.to_string().as_bytes())?;
        drop(stdin);
        let stdout = child.stdout.take().context("no stdout")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            child,
            lines,
            reader: EventReader::default(),
            stderr,
        })
    }

    /// The next event; nothing once the process has said everything.
    pub(super) fn next(&mut self) -> Result<Option<Envelope>> {
        match self.lines.recv_timeout(SILENCE) {
            Ok(line) => match self.reader.read(&line)? {
                Line::Known(envelope) => Ok(Some(envelope)),
                Line::Unknown { event, .. } => bail!("the unknown event {event}"),
            },
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => bail!(
                "no event for {SILENCE:?}; on stderr: {}",
                std::fs::read_to_string(&self.stderr)?
            ),
        }
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    pub(super) fn code(&mut self) -> Result<Option<i32>> {
        Ok(self.child.wait()?.code())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
