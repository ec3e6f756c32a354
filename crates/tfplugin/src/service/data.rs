//! Data sources are read.

use std::sync::Arc;

use super::read::whole;
use super::{Inner, wire};
use crate::checks::check_plan;
use crate::data_source::ReadData;
use crate::diagnostic::Diagnostics;
use crate::planning::{Fields, fill_defaults};
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::schema::Schema;
use crate::stop::Stop;
use crate::value::Object;

use pb::read_data_source::{Request, Response};

impl<P: Provider> Inner<P> {
    pub(super) async fn read_data_source(
        self: Arc<Self>,
        request: Request,
        stop: Stop,
    ) -> Result<Response, Diagnostics> {
        let kind = self.catalog().data_source(&request.type_name)?;
        let config = wire::decode_config(&kind.ty, request.config.as_ref())?;
        let mut op = ReadData {
            client: self.client()?,
            config: with_defaults(&kind.schema, config.fields()),
            warnings: Diagnostics::new(),
            stop,
        };
        let result = kind.handler.read(&mut op).await;
        let result = result.map_err(|errors| op.warnings.clone().then(errors))?;
        let fields = answer(&kind.schema, result, config.fields())?;
        Ok(Response {
            state: Some(wire::encode_state(&kind.ty, Some(fields))?),
            diagnostics: wire::diagnostics(op.warnings),
            deferred: None,
        })
    }
}

/// A configuration with the schema's defaults filled in.
pub(super) fn with_defaults(schema: &Schema, config: &Fields) -> Object {
    let mut filled = config.clone();
    fill_defaults(schema.body(), &mut filled, Some(config));
    filled.into_iter().collect()
}

/// An answer that core accepts: of the schema's form, wholly known, the configured values as they were.
pub(super) fn answer(
    schema: &Schema,
    result: Object,
    config: &Fields,
) -> Result<Fields, Diagnostics> {
    let fields = whole(schema, result)?;
    check_plan(schema.body(), &fields, config, None, false).into_result()?;
    Ok(fields)
}
