//! RPCs that answer with a stream of events.

use std::future::{Future, ready};
use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio::sync::mpsc::UnboundedReceiver;
use tonic::Response;
use tonic::codegen::BoxStream;

use super::{Inner, Service};
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;
use crate::stop::Stop;

impl<P: Provider> Service<P> {
    /// Runs an operation that sends events while it goes on. After them comes what `last` makes of its warnings, or of what
    /// went wrong: an error or a panic. Core hanging up asks the operation to stop.
    pub(super) fn stream<S, E, F>(
        &self,
        mut sent: UnboundedReceiver<S>,
        event: impl Fn(S) -> E + Send + 'static,
        operation: impl FnOnce(Arc<Inner<P>>, Stop) -> F,
        last: fn(Diagnostics) -> Option<E>,
    ) -> Response<BoxStream<E>>
    where
        S: Send + 'static,
        E: Send + 'static,
        F: Future<Output = Result<Diagnostics, Diagnostics>> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let running = self.0.operations.start(|stop| operation(inner, stop));
        let end = async move {
            match running.outcome().await {
                Ok(Ok(warnings)) => last(warnings),
                Ok(Err(errors)) => last(errors.of_failure()),
                Err(panicked) => last(panicked.into()),
            }
        };
        let events = stream::poll_fn(move |context| sent.poll_recv(context)).map(event);
        let all = events.chain(stream::once(end).filter_map(ready));
        Response::new(Box::pin(all.map(Ok)))
    }
}
