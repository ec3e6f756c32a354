//! Refresh: how a managed object is now.

use std::sync::Arc;

use super::{Inner, wire};
use crate::checks::conform;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::AttributePath;
use crate::planning::Fields;
use crate::private::Private;
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::resource::Read;
use crate::schema::Schema;
use crate::stop::Stop;
use crate::value::{Object, Value};

use pb::read_resource::{Request, Response};

impl<P: Provider> Inner<P> {
    pub(super) async fn read_resource(
        self: Arc<Self>,
        request: Request,
        stop: Stop,
    ) -> Result<Response, Diagnostics> {
        let kind = self.catalog().resource(&request.type_name)?;
        let Some(state) = wire::decode_object(&kind.ty, request.current_state.as_ref())? else {
            return Ok(Response::default());
        };
        let mut op = Read {
            client: self.client()?,
            state,
            private: Private::decode(&request.private).into_stored(),
            computed_blocks: request
                .client_capabilities
                .is_some_and(|client| client.computed_blocks_allowed),
            warnings: Diagnostics::new(),
            stop,
        };
        let read = kind.handler.read(&mut op).await;
        let read = read.map_err(|errors| op.warnings.clone().then(errors))?;
        let mut new_identity = None;
        let mut fields = None;
        if let Some(state) = read {
            let state = whole(&kind.schema, state)?;
            new_identity = self.identity(&kind, &state)?.or(request.current_identity);
            fields = Some(state);
        }
        Ok(Response {
            new_state: Some(wire::encode_state(&kind.ty, fields)?),
            diagnostics: wire::diagnostics(op.warnings),
            private: op.private.encode(),
            new_identity,
            ..Response::default()
        })
    }
}

/// A state as core accepts it outside of plans: of the schema's form, and wholly known.
pub(super) fn whole(schema: &Schema, state: Object) -> Result<Fields, Diagnostics> {
    let conformed = conform(schema.body(), state.into_fields(), None);
    conformed.problems.into_result()?;
    refuse_unknown(&conformed.fields)?;
    Ok(conformed.fields)
}

fn refuse_unknown(fields: &Fields) -> Result<(), Diagnostics> {
    let unknown = fields
        .iter()
        .filter(|(_, value)| !Value::is_wholly_known(value));
    let problem = |(name, _): (&String, &Value)| {
        Diagnostic::bug(format!("{name} is unknown in a state."))
            .at(AttributePath::from(name.as_str()))
    };
    unknown.map(problem).collect::<Diagnostics>().into_result()
}
