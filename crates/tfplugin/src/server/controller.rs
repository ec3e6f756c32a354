//! go-plugin's controller: core says when the process is no longer needed.

use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::proto::plugin::Empty;
use crate::proto::plugin::grpc_controller_server::GrpcController;

/// Passes on the end. It answers at once: core waits for the answer without limit, then for the process.
pub(crate) struct Controller(CancellationToken);

impl Controller {
    pub(crate) fn new(shutdown: CancellationToken) -> Self {
        Self(shutdown)
    }
}

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.0.cancel();
        Ok(Response::new(Empty {}))
    }
}
