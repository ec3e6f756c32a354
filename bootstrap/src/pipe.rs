//! A command that runs: its stdin, stdout and stderr, over SSH or on this machine.

use crate::command::CommandError;
use crate::connection::{STEP_TIMEOUT, set_timeout};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ssh2::{Channel, Session};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

/// How long a read waits before it looks up: for a wish to stop, or for a sign of life that is due.
const TICK: Duration = Duration::from_millis(200);

/// What a read came to.
pub(crate) enum Heard {
    Bytes(usize),
    Nothing,
    End,
}

/// What a command writes to.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// The ends of a command's pipes.
pub(crate) enum Pipe {
    Remote(Session, Channel),
    Local(LocalCommand),
}

/// A process of this machine; it does not outlive its pipes.
pub(crate) struct LocalCommand {
    stdin: Option<ChildStdin>,
    child: Child,
}

impl Drop for LocalCommand {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pipe {
    /// Starts a command over SSH.
    pub(crate) fn remote(session: &Session, command: &str) -> Result<Self, CommandError> {
        set_timeout(session, STEP_TIMEOUT);
        let mut channel = session.channel_session().map_err(CommandError::lost)?;
        channel.exec(command).map_err(CommandError::lost)?;
        Ok(Self::Remote(session.clone(), channel))
    }

    /// Starts a command on this machine, away from the terminal's signals.
    pub(crate) fn local(command: &str) -> Result<Self, CommandError> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(CommandError::lost)?;
        let stdin = child.stdin.take();
        Ok(Self::Local(LocalCommand { stdin, child }))
    }

    /// Writes all of `bytes` to the command's stdin.
    pub(crate) fn tell(&mut self, bytes: &[u8]) -> Result<(), CommandError> {
        let written = match self {
            Self::Remote(session, channel) => {
                set_timeout(session, STEP_TIMEOUT);
                channel.write_all(bytes).and_then(|()| channel.flush())
            }
            Self::Local(LocalCommand { stdin, .. }) => match stdin {
                Some(stdin) => stdin.write_all(bytes),
                None => Err(ErrorKind::BrokenPipe.into()),
            },
        };
        written.map_err(CommandError::lost)
    }

    /// Ends the command's stdin.
    pub(crate) fn tell_no_more(&mut self) {
        match self {
            Self::Remote(_, channel) => {
                let _ = channel.send_eof();
            }
            Self::Local(command) => command.stdin = None,
        }
    }

    /// Reads what has come, waiting no longer than a tick, and keeps the session alive.
    pub(crate) fn hear(
        &mut self,
        stream: Stream,
        buffer: &mut [u8],
    ) -> Result<Heard, CommandError> {
        match (self, stream) {
            (Self::Remote(session, channel), Stream::Out) => {
                hear_remote(session, &mut channel.stream(0), buffer)
            }
            (Self::Remote(session, channel), Stream::Err) => {
                hear_remote(session, &mut channel.stderr(), buffer)
            }
            (Self::Local(command), Stream::Out) => {
                hear_local(command.child.stdout.as_mut(), buffer)
            }
            (Self::Local(command), Stream::Err) => {
                hear_local(command.child.stderr.as_mut(), buffer)
            }
        }
    }

    /// Closes the pipes and reads the exit status; a command that a signal ended has none and counts as failed.
    pub(crate) fn finish(&mut self) -> Result<i32, CommandError> {
        let (session, channel) = match self {
            Self::Remote(session, channel) => (session, channel),
            Self::Local(command) => {
                command.stdin = None;
                let status = command.child.wait().map_err(CommandError::lost)?;
                return Ok(status.code().unwrap_or(-1));
            }
        };
        set_timeout(session, STEP_TIMEOUT);
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
}

fn hear_remote(
    session: &Session,
    stream: &mut impl Read,
    buffer: &mut [u8],
) -> Result<Heard, CommandError> {
    set_timeout(session, TICK);
    match stream.read(buffer) {
        Ok(0) => Ok(Heard::End),
        Ok(count) => Ok(Heard::Bytes(count)),
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            session.keepalive_send().map_err(CommandError::lost)?;
            Ok(Heard::Nothing)
        }
        Err(error) => Err(CommandError::lost(error)),
    }
}

fn hear_local<S: Read + AsFd>(
    stream: Option<&mut S>,
    buffer: &mut [u8],
) -> Result<Heard, CommandError> {
    let Some(stream) = stream else {
        return Ok(Heard::End);
    };
    let tick = PollTimeout::try_from(TICK).unwrap_or(PollTimeout::ZERO);
    let mut watched = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    if poll(&mut watched, tick).map_err(CommandError::lost)? == 0 {
        return Ok(Heard::Nothing);
    }
    match stream.read(buffer).map_err(CommandError::lost)? {
        0 => Ok(Heard::End),
        count => Ok(Heard::Bytes(count)),
    }
}
