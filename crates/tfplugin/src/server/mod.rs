//! The process: started by core, serving until it is told to shut down or core is gone.

mod attach;
mod connection;
mod controller;
mod handshake;
mod hclog;
mod lifetime;
mod options;
mod socket;
mod tls;

use std::io::{self, Write};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::proto::plugin::grpc_controller_server::GrpcControllerServer;
use crate::proto::tfplugin6::provider_server::ProviderServer;
use crate::provider::Provider;
use crate::service::{Operations, Service};
use connection::Connections;
use controller::Controller;
use handshake::{Handshake, HandshakeError};
pub use hclog::HclogLayer;
use lifetime::Lifetime;
pub use options::Options;
use socket::Socket;
use tls::{Identity, TlsError};

/// What providers in Go accept, too.
const LARGEST_MESSAGE: usize = 256 << 20;

/// A provider waits for its cloud most of the time. More threads would only take memory, on a machine with many cores.
const MOST_THREADS: usize = 4;

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The process was not started by Terraform as a plugin.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// There is no place to listen.
    #[error("cannot listen on a unix socket: {0}")]
    Listen(#[source] io::Error),
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The line that tells core where to connect cannot be written.
    #[error("cannot write to stdout: {0}")]
    Announce(#[source] io::Error),
    /// The runtime or its signal handlers cannot be set up.
    #[error("cannot set up the runtime: {0}")]
    Runtime(#[source] io::Error),
    /// The transport failed.
    #[error("the server failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// The whole of a provider's `main`: logs, panic hook, runtime, server. With `--debug` among the arguments it serves in
/// attach mode.
///
/// ```no_run
/// # struct Acme;
/// # #[tfplugin::async_trait]
/// # impl tfplugin::Provider for Acme {
/// #     type Client = ();
/// #     fn schema(&self) -> tfplugin::Schema { tfplugin::Schema::new() }
/// #     async fn configure(&self, _: &mut tfplugin::Configure) -> Result<(), tfplugin::Diagnostics> { Ok(()) }
/// # }
/// fn main() -> std::process::ExitCode {
///     tfplugin::run(Acme, tfplugin::Options::new("registry.terraform.io/acme/acme").log_target("acme"))
/// }
/// ```
pub fn run<P: Provider>(provider: P, options: Options) -> ExitCode {
    let options = options.with_arguments(std::env::args().skip(1));
    hclog::install(&options);
    let complaint = match catch_unwind(AssertUnwindSafe(|| run_to_the_end(provider, &options))) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        // Core shows what a plugin that does not start writes to stderr.
        Ok(Err(error)) => error.to_string(),
        // A line of this form makes core say that the plugin crashed, instead of that it does not respond.
        Err(_) => "panic: the provider cannot be set up, see the log".to_owned(),
    };
    let _ = writeln!(io::stderr(), "{complaint}");
    ExitCode::FAILURE
}

fn run_to_the_end<P: Provider>(provider: P, options: &Options) -> Result<(), ServeError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(MOST_THREADS))
        .enable_all()
        .build();
    let runtime = runtime.map_err(ServeError::Runtime)?;
    let served = runtime.block_on(serve(provider, options));
    // Nothing is waited for any more: core has what it asked for, or is gone.
    runtime.shutdown_background();
    served
}

/// Serves a provider in the current runtime, until core says shutdown or is gone. Logs and panics are the caller's.
pub async fn serve<P: Provider>(provider: P, options: &Options) -> Result<(), ServeError> {
    let operations = Arc::new(Operations::default());
    let service = Service::new(provider, Arc::clone(&operations));
    if options.attach {
        return serve_attached(service, operations, options).await;
    }
    let handshake = Handshake::from_environment(|name| std::env::var(name).ok())?;
    let lifetime = Lifetime::of_plugin(operations).map_err(ServeError::Runtime)?;
    let (socket, listener) = Socket::bind(&handshake.socket).map_err(ServeError::Listen)?;
    let identity = handshake
        .client_certificate
        .as_deref()
        .map(Identity::pinned_to)
        .transpose()?;
    let certificate = identity.as_ref().map(Identity::encoded);
    let line = handshake.line(socket.path(), certificate.as_deref());
    announce(&line).map_err(ServeError::Announce)?;
    let connections = Connections::accept(listener, identity, lifetime.presence());
    serve_on(service, connections, &lifetime).await
}

async fn serve_attached<P: Provider>(
    service: Service<P>,
    operations: Arc<Operations>,
    options: &Options,
) -> Result<(), ServeError> {
    let lifetime = Lifetime::of_debugger(operations).map_err(ServeError::Runtime)?;
    let (socket, listener): (Socket, UnixListener) =
        Socket::bind(&socket::Place::default()).map_err(ServeError::Listen)?;
    announce(&attach::instructions(&options.address, socket.path()))
        .map_err(ServeError::Announce)?;
    let connections = Connections::accept(listener, None, lifetime.presence());
    serve_on(service, connections, &lifetime).await
}

async fn serve_on<P: Provider>(
    service: Service<P>,
    connections: Connections,
    lifetime: &Lifetime,
) -> Result<(), ServeError> {
    let provider = ProviderServer::new(service)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let shutdown: CancellationToken = lifetime.shutdown();
    let serving = Server::builder()
        .add_service(provider)
        .add_service(GrpcControllerServer::new(Controller::new(shutdown.clone())))
        .serve_with_incoming_shutdown(connections, shutdown.cancelled_owned());
    tokio::select! {
        served = serving => Ok(served?),
        () = lifetime.over() => Ok(()),
    }
}

/// Nothing else may reach stdout before this line.
fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
