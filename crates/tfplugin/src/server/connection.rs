//! Connections as they come in: accepted, through TLS, counted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::Connected;

use super::lifetime::{Presence, Present};
use super::tls::Identity;

/// A client that does not finish its TLS handshake by then is none.
const SLOWEST_HANDSHAKE: Duration = Duration::from_secs(30);
/// Connections that may wait to be served; core makes one.
const BACKLOG: usize = 16;

/// Connections ready to be served.
pub(crate) struct Connections(mpsc::Receiver<Connection>);

impl Connections {
    /// Accepts in a task of its own. A handshake that fails concerns that client only.
    pub(crate) fn accept(
        listener: UnixListener,
        identity: Option<Identity>,
        presence: Presence,
    ) -> Self {
        let (ready, connections) = mpsc::channel(BACKLOG);
        let config = identity.map(|identity| identity.config());
        tokio::spawn(async move {
            while !ready.is_closed() {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(welcome(
                            stream,
                            config.clone(),
                            presence.clone(),
                            ready.clone(),
                        ));
                    }
                    Err(error) => {
                        // Out of file descriptors, most likely: others close, give them time.
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        });
        Self(connections)
    }
}

async fn welcome(
    stream: UnixStream,
    config: Option<Arc<ServerConfig>>,
    presence: Presence,
    ready: mpsc::Sender<Connection>,
) {
    let stream: Box<dyn Duplex> = match config {
        None => Box::new(stream),
        Some(config) => {
            let handshake = TlsAcceptor::from(config).accept(stream);
            match tokio::time::timeout(SLOWEST_HANDSHAKE, handshake).await {
                Ok(Ok(stream)) => Box::new(stream),
                Ok(Err(error)) => return tracing::warn!(%error, "refused a connection"),
                Err(_) => return tracing::warn!("refused a connection: no TLS handshake in time"),
            }
        }
    };
    let present = presence.enter();
    // Fails only if the server is gone already.
    let _ = ready
        .send(Connection {
            stream,
            _present: present,
        })
        .await;
}

impl Stream for Connections {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0
            .poll_recv(context)
            .map(|connection| connection.map(Ok))
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// One connection, plain or through TLS. As long as it lives, core is there.
pub(crate) struct Connection {
    stream: Box<dyn Duplex>,
    _present: Present,
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
