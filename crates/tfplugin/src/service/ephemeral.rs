//! Ephemeral resources are opened, prolonged and closed.

use std::sync::Arc;
use std::time::SystemTime;

use super::data::{answer, with_defaults};
use super::{Inner, wire};
use crate::diagnostic::Diagnostics;
use crate::ephemeral::{Close, Open, Renew};
use crate::private::Private;
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::stop::Stop;

impl<P: Provider> Inner<P> {
    pub(super) async fn open_ephemeral_resource(
        self: Arc<Self>,
        request: pb::open_ephemeral_resource::Request,
        stop: Stop,
    ) -> Result<pb::open_ephemeral_resource::Response, Diagnostics> {
        let kind = self.catalog().ephemeral(&request.type_name)?;
        let config = wire::decode_config(&kind.ty, request.config.as_ref())?;
        let mut op = Open {
            client: self.client()?,
            config: with_defaults(&kind.schema, config.fields()),
            renew_at: None,
            private: Private::default(),
            warnings: Diagnostics::new(),
            stop,
        };
        let result = kind.handler.open(&mut op).await;
        let result = result.map_err(|errors| op.warnings.clone().then(errors))?;
        let fields = answer(&kind.schema, result, config.fields())?;
        Ok(pb::open_ephemeral_resource::Response {
            diagnostics: wire::diagnostics(op.warnings),
            renew_at: op.renew_at.map(timestamp),
            result: Some(wire::encode_state(&kind.ty, Some(fields))?),
            private: Some(op.private.encode()),
            deferred: None,
        })
    }

    pub(super) async fn renew_ephemeral_resource(
        self: Arc<Self>,
        request: pb::renew_ephemeral_resource::Request,
        stop: Stop,
    ) -> Result<pb::renew_ephemeral_resource::Response, Diagnostics> {
        let kind = self.catalog().ephemeral(&request.type_name)?;
        let mut op = Renew {
            client: self.client()?,
            renew_at: None,
            private: Private::decode(request.private()),
            warnings: Diagnostics::new(),
            stop,
        };
        let renewed = kind.handler.renew(&mut op).await;
        renewed.map_err(|errors| op.warnings.clone().then(errors))?;
        Ok(pb::renew_ephemeral_resource::Response {
            diagnostics: wire::diagnostics(op.warnings),
            renew_at: op.renew_at.map(timestamp),
            private: Some(op.private.encode()),
        })
    }

    pub(super) async fn close_ephemeral_resource(
        self: Arc<Self>,
        request: pb::close_ephemeral_resource::Request,
        _: Stop,
    ) -> Result<pb::close_ephemeral_resource::Response, Diagnostics> {
        let kind = self.catalog().ephemeral(&request.type_name)?;
        let mut op = Close {
            client: self.client()?,
            private: Private::decode(request.private()),
            warnings: Diagnostics::new(),
        };
        let closed = kind.handler.close(&mut op).await;
        closed.map_err(|errors| op.warnings.clone().then(errors))?;
        Ok(pb::close_ephemeral_resource::Response {
            diagnostics: wire::diagnostics(op.warnings),
        })
    }
}

fn timestamp(time: SystemTime) -> prost_types::Timestamp {
    time.into()
}
