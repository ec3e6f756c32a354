//! What happens to environments, as it happens (server-sent events).
//!
//! A listener first hears how everything is, then every change of what it may see. One that is too slow is told how
//! everything is once more, so nothing is missed for good.

use super::descriptions::{Forbidden, Named, Unknown};
use crate::app::Shared;
use crate::caller::Caller;
use crate::environment::{Environment, EnvironmentAnswer};
use crate::problem::Refused;
use crate::rights::refusal;
use crate::view::{Change, ChangeKind};
use authz::Action;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream, StreamExt as _};
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// Proxies end what is silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The data of an event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EnvironmentEvent {
    /// `present` (as it is now), `added`, `changed` or `removed`; also the event's name.
    pub event: String,
    /// The environment after it.
    pub environment: EnvironmentAnswer,
}

/// Follow one environment
#[utoipa::path(
    get,
    path = "/api/v1/environments/{name}/events",
    tag = "environments",
    params(Named),
    responses(
        (status = 200, description = "Events, each with an EnvironmentEvent as its data.", body = EnvironmentEvent, content_type = "text/event-stream"),
        Forbidden,
        Unknown,
    )
)]
pub(super) async fn of_one(
    State(app): State<Shared>,
    caller: Caller,
    Named(name): Named,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    let environment = app.require(&caller, &name).await?;
    let action = Action::ReadEvents;
    let verdict = app.decide(&caller, action, app.subject(&environment), None)?;
    if !verdict.allowed {
        return Err(refusal(&verdict, action, name.as_str()));
    }
    Ok(follow(app, caller, Some(name.to_string())))
}

/// Follow all environments
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "environments",
    responses(
        (status = 200, description = "Events of what you may see, each with an EnvironmentEvent as its data.", body = EnvironmentEvent, content_type = "text/event-stream"),
    )
)]
pub(super) async fn of_all(
    State(app): State<Shared>,
    caller: Caller,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    follow(app, caller, None)
}

fn follow(
    app: Shared,
    caller: Caller,
    only: Option<String>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stop = app.stop.clone();
    let listener = Listener { app, caller, only };
    let changes = listener.app.view.changes();
    // Subscribed first: what changes while the present is told is heard afterwards.
    let present = listener.present();
    let later = stream::unfold((listener, changes), |(listener, mut changes)| async move {
        let events = match changes.recv().await {
            Ok(change) => listener.heard(&change).into_iter().collect(),
            Err(RecvError::Lagged(_)) => listener.present(),
            Err(RecvError::Closed) => return None,
        };
        Some((stream::iter(events), (listener, changes)))
    });
    let events = stream::iter(present).chain(later.flatten());
    Sse::new(until(stop, events).map(Ok)).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

fn until<S: Stream>(stop: CancellationToken, events: S) -> impl Stream<Item = S::Item> {
    events.take_until(async move { stop.cancelled().await })
}

struct Listener {
    app: Shared,
    caller: Caller,
    only: Option<String>,
}

impl Listener {
    /// How everything is that may be heard of.
    fn present(&self) -> Vec<Event> {
        let all: Vec<Arc<Environment>> = match &self.only {
            Some(name) => self.app.view.get(name).into_iter().collect(),
            None => self.app.view.all(),
        };
        let may = all.iter().filter(|environment| self.may_hear(environment));
        may.map(|environment| event("present", environment))
            .collect()
    }

    /// A change, if it may be heard of. Rights are asked for anew each time: they may have changed too.
    fn heard(&self, change: &Change) -> Option<Event> {
        let environment = &change.environment;
        let wanted = self
            .only
            .as_ref()
            .is_none_or(|name| name == environment.name());
        if !wanted || !self.may_hear(environment) {
            return None;
        }
        let name = match change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Changed => "changed",
            ChangeKind::Removed => "removed",
        };
        Some(event(name, environment))
    }

    fn may_hear(&self, environment: &Environment) -> bool {
        self.app
            .may_read(&self.caller.principal, environment)
            .unwrap_or(false)
    }
}

fn event(name: &str, environment: &Environment) -> Event {
    let data = EnvironmentEvent {
        event: name.to_owned(),
        environment: environment.answer(),
    };
    let text = serde_json::to_string(&data).unwrap_or_default();
    Event::default().event(name).data(text)
}
