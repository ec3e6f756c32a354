//! Objects of a managed type are found.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc::{self, UnboundedSender};
use tonic::Response;
use tonic::codegen::BoxStream;

use super::data::with_defaults;
use super::read::whole;
use super::{Inner, Service, wire};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::list_resource::{Found, List};
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::stop::Stop;

use pb::list_resource::{Event, Request};

impl<P: Provider> Inner<P> {
    /// Finds objects, and returns its warnings.
    async fn list_resource(
        self: Arc<Self>,
        request: Request,
        stop: Stop,
        events: UnboundedSender<Event>,
    ) -> Result<Diagnostics, Diagnostics> {
        let kind = self.catalog().list_resource(&request.type_name)?;
        let config = wire::decode_config(&kind.ty, request.config.as_ref())?;
        let malformed = Arc::new(OnceLock::new());
        let mut op = List {
            client: self.client()?,
            config: with_defaults(&kind.schema, config.fields()),
            include_object: request.include_resource_object,
            limit: usize::try_from(request.limit).ok().filter(|&n| n > 0),
            warnings: Diagnostics::new(),
            stop,
            deliver: Arc::clone(&self).delivery(request, events, Arc::clone(&malformed)),
        };
        let listed = kind.handler.list(&mut op).await;
        if let Some(problem) = malformed.get() {
            return Err(op.warnings.then(problem.clone()));
        }
        match listed {
            Ok(()) => Ok(op.warnings),
            Err(errors) => Err(op.warnings.then(errors)),
        }
    }

    /// Sends objects until there are enough of them, core is gone, or one is of no form that core accepts.
    fn delivery(
        self: Arc<Self>,
        request: Request,
        events: UnboundedSender<Event>,
        malformed: Arc<OnceLock<Diagnostics>>,
    ) -> Box<dyn FnMut(Found) -> ControlFlow<()> + Send> {
        let mut wanted = u64::try_from(request.limit).ok().filter(|&n| n > 0);
        let enough = ControlFlow::Break(());
        Box::new(move |found| {
            if wanted == Some(0) || malformed.get().is_some() {
                return enough;
            }
            let event = match self.found(&request, found) {
                Ok(event) => event,
                Err(problem) => {
                    malformed.get_or_init(|| problem);
                    return enough;
                }
            };
            wanted = wanted.map(|left| left - 1);
            if events.send(event).is_err() || wanted == Some(0) {
                return enough;
            }
            ControlFlow::Continue(())
        })
    }

    fn found(&self, request: &Request, found: Found) -> Result<Event, Diagnostics> {
        let kind = self.catalog().resource(&request.type_name)?;
        let Some(schema) = self.catalog().identities.get(&request.type_name) else {
            let detail = format!("{} has no identity to list.", request.type_name);
            return Err(Diagnostic::bug(detail).into());
        };
        let object = found.object.filter(|_| request.include_resource_object);
        let object =
            object.map(|state| wire::encode_state(&kind.ty, Some(whole(&kind.schema, state)?)));
        Ok(Event {
            identity: Some(wire::encode_identity(schema, found.identity)?),
            display_name: found.name,
            resource_object: object.transpose()?,
            diagnostic: Vec::new(),
        })
    }
}

impl<P: Provider> Service<P> {
    /// Objects with their identities, then an event for warnings or the error that ended the list.
    pub(super) fn stream_list(&self, request: Request) -> Response<BoxStream<Event>> {
        let (events, sent) = mpsc::unbounded_channel();
        self.stream(
            sent,
            |event| event,
            |inner, stop| inner.list_resource(request, stop, events),
            |diagnostics| (!diagnostics.is_empty()).then(|| only(diagnostics)),
        )
    }
}

fn only(diagnostics: Diagnostics) -> Event {
    Event {
        diagnostic: wire::diagnostics(diagnostics),
        ..Event::default()
    }
}
