//! The way to a host that is ready for playbooks, through lost connections.

use super::{Obstacle, Run};
use crate::connection::{ConnectError, Connection as SshOrLocal, Login};
use crate::failure;
use crate::host::{self, Host};
use crate::host_key::NotAHostKey;
use crate::upload::NotReady;
use run_report::{Connection, Event, Outcome};
use std::sync::{Arc, Once};
use std::time::Duration;

/// So many connections may be lost while the host is prepared.
const CUTS: u32 = 5;

impl Run {
    /// Connects and brings what is missing. Jobs in `kept`, as `component/run`, are left alone there.
    pub(super) async fn reach_host(self: Arc<Self>, kept: Vec<String>) -> Result<Host, Obstacle> {
        let on_thread = tokio::task::spawn_blocking(move || self.reach_host_blocking(&kept));
        on_thread.await.unwrap_or_else(|error| {
            let failure =
                failure::internal(&format!("the thread that prepared the host broke: {error}"));
            Err(Obstacle::new(Outcome::Failed, failure))
        })
    }

    fn reach_host_blocking(&self, kept: &[String]) -> Result<Host, Obstacle> {
        let login = Login::new(&self.request.host).map_err(|error: NotAHostKey| {
            let failure = failure::plain(
                "SLW-303",
                format!("host.host_key: {error}"),
                "Mend the request.",
            );
            Obstacle::new(Outcome::BadRequest, failure)
        })?;
        let patience = Duration::from_secs(self.request.connect_timeout_s);
        let (connected, ready) = (Once::new(), Once::new());
        let mut cuts = 0;
        loop {
            let connection = self.connect(&login, patience)?;
            connected.call_once(|| self.say_connected());
            let bundle_ready = |uploaded| ready.call_once(|| self.say_bundle_ready(uploaded));
            let prepared = host::prepare(
                &connection,
                login.clone(),
                patience,
                &self.bundle,
                kept,
                &self.stop,
                bundle_ready,
            );
            match prepared {
                Ok(host) => return Ok(host),
                // Every step of it can be taken again.
                Err(NotReady::Lost(cause)) if cuts < CUTS => {
                    tracing::warn!(%cause, "the connection was lost while the host was prepared; connecting again");
                    cuts += 1;
                }
                Err(why) => return Err(self.not_ready(why)),
            }
        }
    }

    fn connect(&self, login: &Login, patience: Duration) -> Result<SshOrLocal, Obstacle> {
        login.connect(patience, &self.stop).map_err(|error| {
            let outcome = match error {
                ConnectError::Stopped => Outcome::Stopped,
                _ => Outcome::Unreachable,
            };
            Obstacle::new(outcome, failure::no_connection(&error))
        })
    }

    fn not_ready(&self, why: NotReady) -> Obstacle {
        match why {
            NotReady::Stopped => Obstacle::new(Outcome::Stopped, failure::stopped()),
            NotReady::Lost(cause) => {
                Obstacle::new(Outcome::Unreachable, failure::connection_lost(&cause))
            }
            NotReady::Because(failure) => {
                Obstacle::new(Outcome::Failed, self.reporter.masked(*failure))
            }
        }
    }

    fn say_connected(&self) {
        self.reporter.emit(Event::HostConnected {
            address: match self.request.host.connection {
                Connection::Ssh => self.request.host.address.clone(),
                Connection::Local => "localhost".to_owned(),
            },
        });
    }

    fn say_bundle_ready(&self, uploaded: bool) {
        self.reporter.emit(Event::BundleReady {
            digest: self.bundle.digest.clone(),
            uploaded,
        });
    }
}
