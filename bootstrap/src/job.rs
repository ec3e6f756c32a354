//! One component's playbook on the host: handed to the keeper there, followed through lost connections to its end.

use crate::command::CommandError;
use crate::connection::{ConnectError, Connection};
use crate::failure;
use crate::host::Host;
use crate::pipe::{Heard, Pipe, Stream};
use crate::playbook::{Playbook, Said, Verdict};
use crate::reporter::Reporter;
use crate::tail::Tail;
use run_report::{Component, Request, Wanted};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// How long a playbook goes on without a follower: long enough for a new connection, short for what is secret.
const LEASE_S: u64 = 20;
/// The keeper believes in us as long as it hears something.
const BEAT: Duration = Duration::from_secs(5);
/// The keeper needs a moment to end processes gently; after this we leave, and the lease does it.
const STOPPING: Duration = Duration::from_secs(40);
const STOP_AGAIN: Duration = Duration::from_secs(1);
/// How long a host that has answered before may stay away: a restart takes minutes, and its component starts anew then.
const COMING_BACK: Duration = Duration::from_mins(5);
/// So many connections in a row that brought nothing new mean that another one will not either.
const VAIN_CONNECTIONS: u32 = 5;

/// How a job ended.
pub(crate) struct Ended {
    pub(crate) verdict: Verdict,
    pub(crate) changed: u64,
    /// The host went away and did not come back.
    pub(crate) host_lost: bool,
}

/// What the keeper is handed, secrets included: for the pipe and for nothing else.
pub(crate) fn order(
    request: &Request,
    component: &Component,
    wanted: &Wanted,
    host: &Host,
) -> Zeroizing<Vec<u8>> {
    let secrets: Option<Value> = (!component.secrets.is_empty()).then(|| {
        let known = component
            .secrets
            .iter()
            .filter_map(|name| Some((name, request.secrets.get(name)?)));
        known
            .map(|(name, secret)| (name.clone(), Value::from(secret.expose_secret())))
            .collect()
    });
    let order = json!({
        "program": host.runtime.ansible,
        "path": host.runtime.path,
        "bundle": host.bundle,
        "playbook": component.playbook,
        "lease_s": LEASE_S,
        "timeout_s": request.component_timeout_s,
        "vars": variables(request, component, wanted, host),
        "secrets": secrets,
        "kubeconfig": request.kubeconfig.expose_secret(),
    });
    let mut line = Zeroizing::new(order.to_string().into_bytes());
    line.push(b'\n');
    line
}

fn variables(request: &Request, component: &Component, wanted: &Wanted, host: &Host) -> Value {
    json!({
        "slipway_platform": request.platform,
        "slipway_component": {
            "name": wanted.name,
            "digest": wanted.digests.digest,
            "version": wanted.version,
            "size": wanted.size,
            "values": wanted.values,
            "namespace": component.namespace,
            "chart": {
                "name": component.chart.name,
                "repository": component.chart.repository,
                "version": wanted.version,
                "app_version": component.chart.app_version,
            },
        },
        "slipway_chart_folder": host.charts,
        "slipway_chart_mirror": request.chart_mirror,
        "slipway_run": request.run,
    })
}

/// How following a playbook ended.
enum Followed {
    ToTheEnd(Verdict),
    /// The host does not have it any more: it was restarted, or away for too long.
    Vanished,
}

/// Says whether the platform is still held by this run.
pub(crate) type StillOurs<'a> = &'a dyn Fn() -> bool;

/// A component's playbook and everything needed to follow it.
pub(crate) struct Job<'a> {
    pub(crate) host: &'a Host,
    pub(crate) component: &'a str,
    pub(crate) run: String,
    pub(crate) reporter: &'a Reporter,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) still_ours: StillOurs<'a>,
    pub(crate) playbook: Playbook,
    pub(crate) tail: Tail,
}

impl Job<'_> {
    /// Takes over the playbook of a run that was lost, and follows it to its end; nothing if the host does not have it
    /// or it has failed. Blocks.
    pub(crate) fn take_over(&mut self, order: &[u8]) -> Option<Ended> {
        let connection = match self.connect(None) {
            Ok(connection) => connection,
            Err(ended) => return Some(ended),
        };
        let followed = self.follow(&connection, &self.keeper("adopt", ""), b"");
        match followed {
            Ok(Followed::ToTheEnd(verdict)) => Some(self.ended(verdict)),
            Ok(Followed::Vanished) => None,
            Err(CommandError::Stopped) => Some(self.ended(Verdict::Stopped)),
            // It is ours now, like one that this run started.
            Err(_) => Some(self.run(order)),
        }
    }

    /// Runs the playbook to its end. Blocks.
    pub(crate) fn run(&mut self, order: &[u8]) -> Ended {
        let mut vain = 0;
        let mut last = None;
        let mut begun_again = false;
        loop {
            let offset = self.tail.resume();
            let connection = match self.connect(last.as_ref()) {
                Ok(connection) => connection,
                Err(ended) => return ended,
            };
            // Nothing was heard of it: it may not have started. If it has, the keeper does not start it twice.
            let (command, input) = match offset {
                0 => (self.keeper("run", ""), order),
                _ => (self.keeper("follow", &offset.to_string()), &b""[..]),
            };
            let error = match self.follow(&connection, &command, input) {
                Ok(Followed::ToTheEnd(verdict)) => return self.ended(verdict),
                Ok(Followed::Vanished) if begun_again => {
                    return self.ended(Verdict::Failed(Box::new(failure::vanished())));
                }
                // Gone because another run has ended it: to start it again would be to run it twice.
                Ok(Followed::Vanished) if !(self.still_ours)() => {
                    return self.ended(Verdict::Stopped);
                }
                Ok(Followed::Vanished) => {
                    tracing::warn!(
                        component = self.component,
                        "its playbook is gone from the host; starting it again"
                    );
                    begun_again = true;
                    (self.playbook, self.tail) = (self.playbook.anew(), Tail::default());
                    continue;
                }
                Err(CommandError::Stopped) => return self.ended(Verdict::Stopped),
                Err(error) => error,
            };
            tracing::warn!(component = self.component, %error, "connecting again");
            vain = if self.tail.offset() > offset {
                0
            } else {
                vain + 1
            };
            if vain >= VAIN_CONNECTIONS {
                return self.lost(failure::connection_lost(&error.to_string()));
            }
            last = Some(error);
        }
    }

    fn connect(&self, lost_before: Option<&CommandError>) -> Result<Connection, Ended> {
        let patience = self.host.patience.min(COMING_BACK);
        self.host
            .login
            .connect(patience, self.stop)
            .map_err(|error| {
                if matches!(error, ConnectError::Stopped) {
                    return self.ended(Verdict::Stopped);
                }
                let failure = failure::no_connection(&error);
                self.lost(match lost_before {
                    Some(cause) => {
                        failure::connection_lost(&format!("{cause}; then {}", failure.cause))
                    }
                    None => failure,
                })
            })
    }

    fn keeper(&self, command: &str, argument: &str) -> String {
        self.host
            .keeper(&[command, self.component, &self.run, argument])
    }

    fn follow(
        &mut self,
        connection: &Connection,
        command: &str,
        input: &[u8],
    ) -> Result<Followed, CommandError> {
        let mut pipe = connection.start(command)?;
        pipe.tell(input)?;
        let mut signs = Signs::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match pipe.hear(Stream::Out, &mut buffer)? {
                Heard::Bytes(count) => {
                    for line in self.tail.push(&buffer[..count]) {
                        if let Some(followed) = self.take(&line) {
                            let _ = pipe.finish();
                            return Ok(followed);
                        }
                    }
                }
                Heard::End => return Err(broken_off(&mut pipe)),
                Heard::Nothing => {}
            }
            signs.give(&mut pipe, self.stop)?;
        }
    }

    /// Passes on what a line says; the last line brings the verdict.
    fn take(&mut self, line: &str) -> Option<Followed> {
        match self.playbook.read(line) {
            Said::Event(event) => self.reporter.emit(event),
            Said::Exit(exit) if exit.is_gone() => return Some(Followed::Vanished),
            Said::Exit(exit) => return Some(Followed::ToTheEnd(self.playbook.verdict(&exit))),
            Said::Refused(cause) => {
                let failure = Box::new(failure::refused(&cause));
                return Some(Followed::ToTheEnd(Verdict::Failed(failure)));
            }
            Said::Nothing => {}
        }
        None
    }

    fn ended(&self, verdict: Verdict) -> Ended {
        Ended {
            verdict,
            changed: self.playbook.changed(),
            host_lost: false,
        }
    }

    fn lost(&self, failure: run_report::Failure) -> Ended {
        Ended {
            verdict: Verdict::Failed(Box::new(failure)),
            changed: self.playbook.changed(),
            host_lost: true,
        }
    }
}

/// The keeper ended without a last line: the connection, or the keeper itself.
fn broken_off(pipe: &mut Pipe) -> CommandError {
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(Heard::Bytes(count)) = pipe.hear(Stream::Err, &mut buffer) {
        said.extend_from_slice(&buffer[..count]);
    }
    let said = String::from_utf8_lossy(&said);
    let last = said
        .trim()
        .lines()
        .next_back()
        .unwrap_or("the follower ended without a word");
    CommandError::Lost(last.to_owned())
}

/// What is said to the keeper: that we are still there, and when the caller asks for it, to stop.
struct Signs {
    last: Instant,
    asked: Option<Instant>,
}

impl Signs {
    fn new() -> Self {
        Self {
            last: Instant::now(),
            asked: None,
        }
    }

    fn give(&mut self, pipe: &mut Pipe, stop: &CancellationToken) -> Result<(), CommandError> {
        if !stop.is_cancelled() {
            if self.last.elapsed() >= BEAT {
                self.last = Instant::now();
                pipe.tell(b".\n")?;
            }
            return Ok(());
        }
        let first = self.asked.is_none();
        let asked = *self.asked.get_or_insert_with(Instant::now);
        if asked.elapsed() > STOPPING {
            return Err(CommandError::Stopped);
        }
        // Said again: the supervisor may have been about to start when it was said first.
        if first || self.last.elapsed() >= STOP_AGAIN {
            self.last = Instant::now();
            pipe.tell(b"stop\n")?;
        }
        Ok(())
    }
}
