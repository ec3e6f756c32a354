//! Actions are planned and done.

use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedSender};
use tonic::Response;
use tonic::codegen::BoxStream;

use super::data::with_defaults;
use super::{Inner, Service, wire};
use crate::action::{Invoke, PlanAction, Progress};
use crate::diagnostic::Diagnostics;
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::stop::Stop;

use pb::invoke_action::{Event, Request, event};

impl<P: Provider> Inner<P> {
    pub(super) async fn plan_action(
        self: Arc<Self>,
        request: pb::plan_action::Request,
        stop: Stop,
    ) -> Result<pb::plan_action::Response, Diagnostics> {
        let kind = self.catalog().action(&request.action_type)?;
        let config = wire::decode_config(&kind.ty, request.config.as_ref())?;
        let mut op = PlanAction {
            client: self.client()?,
            config: with_defaults(&kind.schema, config.fields()),
            warnings: Diagnostics::new(),
            stop,
        };
        let planned = kind.handler.plan(&mut op).await;
        planned.map_err(|errors| op.warnings.clone().then(errors))?;
        Ok(pb::plan_action::Response {
            diagnostics: wire::diagnostics(op.warnings),
            deferred: None,
        })
    }

    /// Does an action, and returns its warnings. The lines end when it does, whoever holds a clone of its progress.
    async fn invoke_action(
        self: Arc<Self>,
        request: Request,
        stop: Stop,
        lines: UnboundedSender<String>,
    ) -> Result<Diagnostics, Diagnostics> {
        let kind = self.catalog().action(&request.action_type)?;
        let config = wire::decode_config(&kind.ty, request.config.as_ref())?;
        let mut op = Invoke {
            client: self.client()?,
            config: with_defaults(&kind.schema, config.fields()),
            progress: Progress(lines.downgrade()),
            warnings: Diagnostics::new(),
            stop,
        };
        match kind.handler.invoke(&mut op).await {
            Ok(()) => Ok(op.warnings),
            Err(errors) => Err(op.warnings.then(errors)),
        }
    }
}

impl<P: Provider> Service<P> {
    /// Lines of progress, then `completed`, once and always: core takes a stream without it for a crash.
    pub(super) fn stream_action(&self, request: Request) -> Response<BoxStream<Event>> {
        let (lines, said) = mpsc::unbounded_channel();
        self.stream(
            said,
            progress,
            |inner, stop| inner.invoke_action(request, stop, lines),
            |diagnostics| Some(completed(diagnostics)),
        )
    }
}

fn progress(message: String) -> Event {
    Event {
        r#type: Some(event::Type::Progress(event::Progress { message })),
    }
}

fn completed(diagnostics: Diagnostics) -> Event {
    let diagnostics = wire::diagnostics(diagnostics);
    Event {
        r#type: Some(event::Type::Completed(event::Completed { diagnostics })),
    }
}
