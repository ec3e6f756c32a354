//! The provider service: each RPC decodes, lets the schema's rules and the provider's hook do their work, checks, and
//! encodes. One file per group of RPCs.

#![allow(
    clippy::unused_async,
    reason = "all RPCs have one shape, also those that wait for nothing"
)]

mod actions;
mod apply;
mod catalog;
mod data;
mod ephemeral;
mod functions;
mod import;
mod lists;
mod operations;
mod plan;
mod read;
mod schemas;
mod setup;
mod streaming;
mod upgrade;
mod validate;
mod wire;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::schema::SchemaError;
use crate::stop::Stop;
use catalog::Catalog;
pub(crate) use operations::Operations;

/// A provider, ready to be served.
pub(crate) struct Service<P: Provider>(Arc<Inner<P>>);

struct Inner<P: Provider> {
    provider: P,
    /// Made for the first request that needs it: core asks for schemas only after the handshake, and not in every process.
    catalog: OnceLock<Catalog<P::Client>>,
    client: RwLock<Option<Arc<P::Client>>>,
    operations: Arc<Operations>,
}

/// What core would refuse in the schemas of a provider: for a test that keeps them right.
#[must_use]
pub fn check_schemas<P: Provider>(provider: &P) -> Vec<SchemaError> {
    Catalog::of(provider).problems
}

impl<P: Provider> Service<P> {
    pub(crate) fn new(provider: P, operations: Arc<Operations>) -> Self {
        Self(Arc::new(Inner {
            catalog: OnceLock::new(),
            client: RwLock::new(None),
            provider,
            operations,
        }))
    }

    /// Runs an operation; whatever goes wrong becomes diagnostics, never a status that core could not show.
    async fn answer<A, F>(
        &self,
        operation: impl FnOnce(Arc<Inner<P>>, Stop) -> F,
    ) -> Result<Response<A>, Status>
    where
        A: Answer,
        F: Future<Output = Result<A, Diagnostics>> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let outcome = self.0.operations.run(|stop| operation(inner, stop)).await;
        let answer = match outcome {
            Ok(Ok(answer)) => answer,
            Ok(Err(diagnostics)) => A::failed(diagnostics.of_failure()),
            Err(panicked) => A::failed(panicked.into()),
        };
        Ok(Response::new(answer))
    }
}

impl<P: Provider> Inner<P> {
    fn catalog(&self) -> &Catalog<P::Client> {
        self.catalog.get_or_init(|| Catalog::of(&self.provider))
    }

    fn client(&self) -> Result<Arc<P::Client>, Diagnostics> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        client.clone().ok_or_else(|| {
            let detail = "The provider was asked to work before it was configured.";
            Diagnostic::error("Provider is not configured", detail).into()
        })
    }

    fn configured(&self, client: P::Client) {
        let mut slot = self.client.write().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Arc::new(client));
    }
}

/// An answer that can say what went wrong.
trait Answer: Send + 'static {
    fn failed(diagnostics: Diagnostics) -> Self;
}

impl Answer for pb::call_function::Response {
    fn failed(diagnostics: Diagnostics) -> Self {
        let error = pb::FunctionError {
            text: diagnostics.to_string(),
            function_argument: None,
        };
        Self {
            result: None,
            error: Some(error),
        }
    }
}

/// The service: every method answers through [`Service::answer`]. Those under `diagnostics` have a place for them.
macro_rules! serve {
    (diagnostics: [$($diagnosed:ident),* $(,)?], others: [$($other:ident),* $(,)?]) => {
        $(impl Answer for pb::$diagnosed::Response {
            #[allow(clippy::needless_update, reason = "some answers have nothing but diagnostics")]
            fn failed(diagnostics: Diagnostics) -> Self {
                Self {
                    diagnostics: wire::diagnostics(diagnostics),
                    ..Self::default()
                }
            }
        })*
        serve!(methods: $($diagnosed,)* $($other,)*);
    };
    (methods: $($method:ident,)*) => {
        #[tonic::async_trait]
        impl<P: Provider> pb::provider_server::Provider for Service<P> {
            $(async fn $method(
                &self,
                request: Request<pb::$method::Request>,
            ) -> Result<Response<pb::$method::Response>, Status> {
                let request = request.into_inner();
                self.answer(|inner, stop| inner.$method(request, stop)).await
            })*

            async fn list_resource(
                &self,
                request: Request<pb::list_resource::Request>,
            ) -> Result<Response<BoxStream<pb::list_resource::Event>>, Status> {
                Ok(self.stream_list(request.into_inner()))
            }

            async fn invoke_action(
                &self,
                request: Request<pb::invoke_action::Request>,
            ) -> Result<Response<BoxStream<pb::invoke_action::Event>>, Status> {
                Ok(self.stream_action(request.into_inner()))
            }

            async fn stop_provider(
                &self,
                _: Request<pb::stop_provider::Request>,
            ) -> Result<Response<pb::stop_provider::Response>, Status> {
                self.0.operations.stop_all();
                Ok(Response::new(pb::stop_provider::Response::default()))
            }
        }
    };
}
serve!(
    diagnostics: [
        get_metadata,
        get_provider_schema,
        get_resource_identity_schemas,
        get_functions,
        validate_provider_config,
        configure_provider,
        validate_resource_config,
        upgrade_resource_state,
        upgrade_resource_identity,
        read_resource,
        plan_resource_change,
        apply_resource_change,
        import_resource_state,
        generate_resource_config,
        move_resource_state,
        validate_data_resource_config,
        read_data_source,
        validate_ephemeral_resource_config,
        open_ephemeral_resource,
        renew_ephemeral_resource,
        close_ephemeral_resource,
        validate_list_resource_config,
        validate_action_config,
        plan_action,
    ],
    others: [call_function]
);
