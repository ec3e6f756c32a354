//! The server: loopback only, and able to close a connection without an answer.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::api::{self, Aborted, Caller};
use super::control;
use super::kubernetes;
use super::service::Account;

/// A server that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is reachable from other machines.
    #[error(
        "SLW-904: the rehearsal listens on loopback addresses only, and {0} is none; use 127.0.0.1:0"
    )]
    NotLoopback(SocketAddr),
    /// The address is taken or forbidden.
    #[error("SLW-905: cannot listen on {address}: {source}; choose another --listen address")]
    Listen {
        /// The wanted address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A connection that ends without an answer, on purpose.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer by a fault")]
struct ClosedByFault;

/// A server that runs.
#[derive(Debug)]
pub struct ApiServer {
    address: SocketAddr,
    closing: CancellationToken,
    accepting: tokio::task::JoinHandle<()>,
}

impl ApiServer {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it and cuts what is still open.
    pub async fn close(self) {
        self.closing.cancel();
        if let Err(error) = self.accepting.await {
            tracing::warn!(%error, "the API server did not end well");
        }
    }
}

/// Serves the account's `/v2` and `/_sandbox` on a loopback address.
pub async fn serve(account: &Account, address: SocketAddr) -> Result<ApiServer, ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    account.is_served_at(address);
    let router = api::router(account.clone())
        .merge(control::router(account.clone()))
        .merge(kubernetes::router(account.clone()));
    let closing = CancellationToken::new();
    let accepting = tokio::spawn(accept(listener, router, closing.clone()));
    Ok(ApiServer {
        address,
        closing,
        accepting,
    })
}

async fn accept(listener: TcpListener, router: Router, closing: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = closing.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => { connections.spawn(connection(stream, peer, router.clone())); }
                Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router) {
    let _only_slower_without = stream.set_nodelay(true);
    let service = tower::service_fn(
        move |mut request: axum::http::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Caller(peer));
            answer(router.clone(), request.map(Body::new))
        },
    );
    let http = Builder::new(TokioExecutor::new()).http1_only();
    if let Err(error) = http
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await
    {
        tracing::debug!(%error, %peer, "connection ended early");
    }
}

async fn answer(router: Router, request: Request) -> Result<Response<Body>, ClosedByFault> {
    let response: Result<Response<Body>, Infallible> = router.oneshot(request).await;
    let Ok(response) = response;
    if response.extensions().get::<Aborted>().is_some() {
        Err(ClosedByFault)
    } else {
        Ok(api::in_vendors_words(response))
    }
}
