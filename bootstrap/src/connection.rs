//! One SSH session: reached with patience, its host key compared byte by byte, its login key never on a disk. Or none,
//! where the host is this machine.
//!
//! Everything here blocks and belongs on a thread of its own. libssh2 does one thing at a time in a session, so a
//! session is never shared: whoever wants to work beside another opens a connection of its own.

use crate::host_key::{HostKey, NotAHostKey, fingerprint};
use run_report::{self as report, Host};
use secrecy::{ExposeSecret, SecretString};
use ssh2::{MethodType, Session};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long one step of the handshake, or one write, may take.
pub(crate) const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// A peer that acknowledges nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(30);
const TCP_TIMEOUT: Duration = Duration::from_secs(10);
/// A host that is still being set up may open its port before it knows the login key.
const SETTLING: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How to reach a host.
#[derive(Clone, Debug)]
pub(crate) enum Login {
    Ssh(SshLogin),
    Local,
}

/// How to reach a host over SSH and how to know it.
#[derive(Clone, Debug)]
pub(crate) struct SshLogin {
    address: String,
    port: u16,
    user: String,
    host_key: HostKey,
    /// Without one the user's SSH agent is asked.
    secret_key: Option<SecretString>,
}

/// An SSH session whose host is the pinned one and which is logged in; or this machine.
pub(crate) enum Connection {
    Ssh(Session),
    Local,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Nothing answered, or what answered does not speak SSH.
    #[error("SLW-310: {host} did not answer within {waited} s: {cause}")]
    NoAnswer {
        /// Address and port.
        host: String,
        /// Seconds.
        waited: u64,
        /// What the last attempt ended with.
        cause: String,
    },
    /// Another host answered.
    #[error("SLW-311: {host} showed the host key {found}, and only {expected} is accepted")]
    WrongHost {
        /// Address and port.
        host: String,
        /// Fingerprint of the pinned key.
        expected: String,
        /// Fingerprint of the key that was shown.
        found: String,
    },
    /// The host does not take the login key.
    #[error("SLW-312: {host} did not let `{user}` in: {cause}")]
    Denied {
        /// Address and port.
        host: String,
        /// The user.
        user: String,
        /// The server's or the library's words.
        cause: String,
    },
    /// The caller asked to stop.
    #[error("SLW-346: stopped by the caller while connecting")]
    Stopped,
}

enum Attempt {
    NoAnswer(String),
    WrongHost(String),
    Denied(String),
}

impl Login {
    /// The login of a request.
    pub(crate) fn new(host: &Host) -> Result<Self, NotAHostKey> {
        if host.connection == report::Connection::Local {
            return Ok(Self::Local);
        }
        Ok(Self::Ssh(SshLogin {
            address: host.address.clone(),
            port: host.port,
            user: host.user.clone(),
            host_key: HostKey::parse(&host.host_key)?,
            secret_key: host.login_key.clone(),
        }))
    }

    /// Tries until there is a connection, the patience is over, or waiting cannot help.
    pub(crate) fn connect(
        &self,
        patience: Duration,
        stop: &CancellationToken,
    ) -> Result<Connection, ConnectError> {
        match self {
            Self::Ssh(login) => login.connect(patience, stop).map(Connection::Ssh),
            Self::Local => Ok(Connection::Local),
        }
    }
}

impl SshLogin {
    fn connect(
        &self,
        patience: Duration,
        stop: &CancellationToken,
    ) -> Result<Session, ConnectError> {
        let host = format!("{}:{}", self.address, self.port);
        let begin = Instant::now();
        let mut denied_since = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let failed = match self.attempt() {
                Ok(session) => return Ok(session),
                Err(failed) => failed,
            };
            let error = match failed {
                Attempt::WrongHost(found) => {
                    return Err(ConnectError::WrongHost {
                        host,
                        expected: self.host_key.fingerprint(),
                        found,
                    });
                }
                Attempt::Denied(cause) => {
                    let since = *denied_since.get_or_insert_with(Instant::now);
                    let error = ConnectError::Denied {
                        host: host.clone(),
                        user: self.user.clone(),
                        cause,
                    };
                    if since.elapsed() >= SETTLING {
                        return Err(error);
                    }
                    error
                }
                Attempt::NoAnswer(cause) => {
                    denied_since = None;
                    ConnectError::NoAnswer {
                        host: host.clone(),
                        waited: patience.as_secs(),
                        cause,
                    }
                }
            };
            if begin.elapsed() + pause >= patience {
                return Err(error);
            }
            tracing::debug!(%host, %error, "not yet");
            if sleep_unless(stop, pause) {
                return Err(ConnectError::Stopped);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn attempt(&self) -> Result<Session, Attempt> {
        let stream = self
            .dial()
            .map_err(|error| Attempt::NoAnswer(error.to_string()))?;
        let session = self
            .greet(stream)
            .map_err(|error| Attempt::NoAnswer(format!("no SSH server: {error}")))?;
        let shown = session.host_key().map(|(blob, _)| blob).unwrap_or_default();
        if !self.host_key.is(shown) {
            return Err(Attempt::WrongHost(fingerprint(shown)));
        }
        match &self.secret_key {
            Some(key) => session
                .userauth_pubkey_memory(&self.user, None, key.expose_secret(), None)
                .map_err(|error| error.to_string()),
            None => self.ask_agent(&session),
        }
        .map_err(Attempt::Denied)?;
        session.set_keepalive(true, 10);
        Ok(session)
    }

    /// Offers each key of the user's agent, as `ssh` does.
    fn ask_agent(&self, session: &Session) -> Result<(), String> {
        let unusable = |error: ssh2::Error| {
            format!(
                "the request has no login key and the SSH agent of SSH_AUTH_SOCK cannot be used: {error}"
            )
        };
        let mut agent = session.agent().map_err(unusable)?;
        agent.connect().map_err(unusable)?;
        agent.list_identities().map_err(unusable)?;
        let keys = agent.identities().map_err(unusable)?;
        let taken = |key| agent.userauth(&self.user, key).is_ok();
        if keys.iter().any(taken) {
            return Ok(());
        }
        Err(format!(
            "none of the {} keys of the SSH agent is accepted",
            keys.len()
        ))
    }

    fn dial(&self) -> std::io::Result<TcpStream> {
        let mut last = std::io::Error::other("the name has no address");
        for address in (self.address.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TCP_TIMEOUT) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    give_up_on_silence(&stream)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn greet(&self, stream: TcpStream) -> Result<Session, ssh2::Error> {
        let mut session = Session::new()?;
        set_timeout(&session, STEP_TIMEOUT);
        session.method_pref(MethodType::HostKey, self.host_key.preferred_methods())?;
        session.set_tcp_stream(stream);
        session.handshake()?;
        Ok(session)
    }
}

/// Bounds every blocking call of a session.
pub(crate) fn set_timeout(session: &Session, timeout: Duration) {
    session.set_timeout(u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX));
}

#[cfg(target_os = "linux")]
fn give_up_on_silence(stream: &TcpStream) -> std::io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};
    let silence = u32::try_from(SILENCE.as_millis()).unwrap_or(u32::MAX);
    setsockopt(stream, sockopt::TcpUserTimeout, &silence)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn give_up_on_silence(_: &TcpStream) -> std::io::Result<()> {
    let _ = SILENCE;
    Ok(())
}

/// Sleeps, and says whether the caller asked to stop meanwhile.
pub(crate) fn sleep_unless(stop: &CancellationToken, pause: Duration) -> bool {
    let end = Instant::now() + pause;
    while !stop.is_cancelled() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
    true
}
