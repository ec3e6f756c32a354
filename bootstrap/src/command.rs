//! Commands on the host, over one connection.

use crate::connection::Connection;
use crate::pipe::{Heard, Pipe, Stream};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

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

impl Connection {
    /// Starts a command; its pipes stay open.
    pub(crate) fn start(&self, command: &str) -> Result<Pipe, CommandError> {
        match self {
            Self::Ssh(session) => Pipe::remote(session, command),
            Self::Local => Pipe::local(command),
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
        let mut pipe = self.start(command)?;
        // A command that refuses early closes its stdin; what it says is worth more than the failed write.
        let written = pipe.tell(input);
        pipe.tell_no_more();
        let mut read_to_end = |stream| -> Result<Vec<u8>, CommandError> {
            let mut all = Vec::new();
            let mut buffer = [0; 16 * 1024];
            loop {
                match pipe.hear(stream, &mut buffer)? {
                    Heard::End => return Ok(all),
                    Heard::Bytes(count) => all.extend_from_slice(&buffer[..count]),
                    Heard::Nothing if stop.is_cancelled() => return Err(CommandError::Stopped),
                    Heard::Nothing if Instant::now() > end => {
                        return Err(CommandError::TooLong(limit.as_secs()));
                    }
                    Heard::Nothing => {}
                }
            }
        };
        let stdout = read_to_end(Stream::Out)?;
        let stderr = read_to_end(Stream::Err)?;
        let status = pipe.finish()?;
        if status == 0 {
            written?;
        }
        Ok(Answer {
            status,
            stdout,
            stderr: String::from_utf8_lossy(&stderr).trim().to_owned(),
        })
    }
}
