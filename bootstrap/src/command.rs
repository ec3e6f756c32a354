//! Commands on the host, over one connection.

use crate::connection::{Connection, STEP_TIMEOUT, set_timeout};
use ssh2::Channel;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a read waits before it looks up: for a wish to stop, or for a sign of life that is due.
const TICK: Duration = Duration::from_millis(200);

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("the connection to the host was lost: {0}")]
    Lost(String),
    #[error("the host did not finish within {0} s")]
    TooLong(u64),
    #[error("stopped by the caller")]
    Stopped,
}

impl CommandError {
    pub(crate) fn lost(error: impl std::fmt::Display) -> Self {
        Self::Lost(error.to_string())
    }
}

/// What a read came to.
pub(crate) enum Heard {
    Bytes(usize),
    Nothing,
    End,
}

impl Connection {
    /// Starts a command; its channel stays open.
    pub(crate) fn start(&self, command: &str) -> Result<Channel, CommandError> {
        set_timeout(&self.session, STEP_TIMEOUT);
        let mut channel = self.session.channel_session().map_err(CommandError::lost)?;
        channel.exec(command).map_err(CommandError::lost)?;
        Ok(channel)
    }

    /// Writes all of `bytes` to a command's stdin.
    pub(crate) fn tell(&self, channel: &mut Channel, bytes: &[u8]) -> Result<(), CommandError> {
        set_timeout(&self.session, STEP_TIMEOUT);
        channel
            .write_all(bytes)
            .and_then(|()| channel.flush())
            .map_err(CommandError::lost)
    }

    /// Reads what has come, waiting no longer than a tick, and keeps the session alive.
    pub(crate) fn hear(
        &self,
        stream: &mut impl Read,
        buffer: &mut [u8],
    ) -> Result<Heard, CommandError> {
        set_timeout(&self.session, TICK);
        match stream.read(buffer) {
            Ok(0) => Ok(Heard::End),
            Ok(count) => Ok(Heard::Bytes(count)),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                self.session.keepalive_send().map_err(CommandError::lost)?;
                Ok(Heard::Nothing)
            }
            Err(error) => Err(CommandError::lost(error)),
        }
    }

    /// Runs a command to its end, with `input` on its stdin.
    pub(crate) fn run(
        &self,
        command: &str,
        input: &[u8],
        limit: Duration,
        stop: &CancellationToken,
    ) -> Result<Answer, CommandError> {
        let end = Instant::now() + limit;
        let mut channel = self.start(command)?;
        // A command that refuses early closes its stdin; what it says is worth more than the failed write.
        let written = self.tell(&mut channel, input);
        let _ = channel.send_eof();
        let stdout = self.read_to_end(&mut channel.stream(0), limit, end, stop)?;
        let stderr = self.read_to_end(&mut channel.stderr(), limit, end, stop)?;
        let status = self.finish(&mut channel)?;
        if status == 0 {
            written?;
        }
        Ok(Answer {
            status,
            stdout,
            stderr: String::from_utf8_lossy(&stderr).trim().to_owned(),
        })
    }

    /// Closes a channel and reads its exit status; a command that a signal ended has none and counts as failed.
    pub(crate) fn finish(&self, channel: &mut Channel) -> Result<i32, CommandError> {
        set_timeout(&self.session, STEP_TIMEOUT);
        channel
            .close()
            .and_then(|()| channel.wait_close())
            .map_err(CommandError::lost)?;
        let killed = channel
            .exit_signal()
            .is_ok_and(|signal| signal.exit_signal.is_some());
        let status = channel.exit_status().map_err(CommandError::lost)?;
        Ok(if killed { -1 } else { status })
    }

    fn read_to_end(
        &self,
        stream: &mut impl Read,
        limit: Duration,
        end: Instant,
        stop: &CancellationToken,
    ) -> Result<Vec<u8>, CommandError> {
        let mut all = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.hear(stream, &mut buffer)? {
                Heard::End => return Ok(all),
                Heard::Bytes(count) => all.extend_from_slice(&buffer[..count]),
                Heard::Nothing if stop.is_cancelled() => return Err(CommandError::Stopped),
                Heard::Nothing if Instant::now() > end => {
                    return Err(CommandError::TooLong(limit.as_secs()));
                }
                Heard::Nothing => {}
            }
        }
    }
}
