//! Where the stand-ins listen, and the book of their calls.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::call::{Answer, Call, Service};
use super::cloudflare::Cloudflare;
use super::encrypted::Encrypted;
use super::gitlab::GitLab;
use super::{IN_CLUSTER, InCluster};

/// Every call, one JSON object a line: service, method, path, status, expected, and why not. Never a body or a header.
const BOOK: &str = "services.jsonl";
/// Where the services outside of the cluster are, and what opens them.
const EXTERNAL: &str = "services.json";
/// More than any body of a playbook has.
const MOST_BYTES: usize = 4 << 20;

/// The stand-ins of one cluster. Dropping it closes them.
pub(crate) struct Desk {
    counters: Vec<Counter>,
}

/// The stand-ins of programs outside of any cluster. Dropping it closes them.
pub(crate) struct External {
    _counters: Vec<Counter>,
}

struct Counter {
    address: SocketAddr,
    /// Whom its callers have to trust, PEM; nothing without TLS.
    authority: Option<String>,
    _server: AbortOnDropHandle<std::io::Result<()>>,
}

struct Behind {
    service: Box<dyn Service>,
    book: File,
}

impl Desk {
    /// Opens a port for each program that runs in the pods of a cluster.
    pub(crate) async fn open(root: &Path, client: &kube::Client) -> Result<Self> {
        let mut counters = Vec::new();
        for InCluster { make, names, .. } in &IN_CLUSTER {
            counters.push(open(root, make(client.clone()), names).await?);
        }
        Ok(Self { counters })
    }

    /// Whom the callers of the one program under TLS have to trust, PEM.
    pub(crate) fn authority(&self) -> &str {
        self.counters
            .iter()
            .find_map(|counter| counter.authority.as_deref())
            .unwrap_or_default()
    }

    /// What KWOK does with connections to the pods of these programs.
    pub(crate) fn port_forwards(&self) -> String {
        let forward = |(place, counter): (&InCluster, &Counter)| {
            format!(
                "---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata:
  name: {namespace}
spec:
  selector:
    matchNamespaces: [{namespace}]
  forwards:
  - ports: [{port}]
    target:
      address: {address}
      port: {target}
",
                namespace = place.namespace,
                port = place.port,
                address = counter.address.ip(),
                target = counter.address.port(),
            )
        };
        IN_CLUSTER.iter().zip(&self.counters).map(forward).collect()
    }
}

impl External {
    /// Opens the services and writes into the sandbox's folder where they are, with the tokens that they take.
    pub(crate) async fn open(root: &Path) -> Result<Self> {
        let (dns_token, git_token) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
        let dns = open(root, Box::new(Cloudflare::new(&dns_token)), &[]).await?;
        let git = open(root, Box::new(GitLab::new(&git_token)), &[]).await?;
        let places = json!({
            "cloudflare": { "url": format!("http://{}/client/v4", dns.address), "token": dns_token },
            "gitlab": { "url": format!("http://{}", git.address), "token": git_token },
        });
        crate::engines::write_private(&root.join(EXTERNAL), places.to_string().as_bytes())?;
        Ok(Self {
            _counters: vec![dns, git],
        })
    }
}

async fn open(root: &Path, service: Box<dyn Service>, names: &[&str]) -> Result<Counter> {
    let name = service.name();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let book = OpenOptions::new()
        .create(true)
        .append(true)
        .open(root.join(BOOK))
        .context("the book of calls cannot be opened")?;
    let behind = Arc::new(Mutex::new(Behind { service, book }));
    let router = Router::new().fallback(take).with_state(behind);
    let (authority, server) = if names.is_empty() {
        (
            None,
            tokio::spawn(axum::serve(listener, router).into_future()),
        )
    } else {
        let (listener, authority) = Encrypted::new(listener, names)?;
        let server = tokio::spawn(axum::serve(listener, router).into_future());
        (Some(authority), server)
    };
    tracing::debug!(%address, name, "a stand-in listens");
    Ok(Counter {
        address,
        authority,
        _server: AbortOnDropHandle::new(server),
    })
}

async fn take(State(behind): State<Arc<Mutex<Behind>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, MOST_BYTES)
        .await
        .unwrap_or_default();
    let call = Call {
        query: Query::try_from_uri(&parts.uri)
            .map(|Query(query)| query)
            .unwrap_or_default(),
        path: parts.uri.path().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let mut behind = behind.lock().await;
    let answer = behind.service.answer(&call).await;
    behind.write_down(&call, &answer);
    respond(behind.service.name(), answer)
}

impl Behind {
    fn write_down(&mut self, call: &Call, answer: &Answer) {
        let (status, why) = match answer {
            Answer::Json(status, _) | Answer::Text(status, _) => (*status, None),
            Answer::Unexpected(why) => (StatusCode::NOT_IMPLEMENTED.as_u16(), Some(why)),
        };
        let line = json!({
            "service": self.service.name(),
            "method": call.method.as_str(),
            "path": call.path,
            "status": status,
            "expected": why.is_none(),
            "why": why,
        });
        if let Err(error) = writeln!(self.book, "{line}") {
            tracing::warn!(%error, "a call could not be written down");
        }
    }
}

fn respond(name: &str, answer: Answer) -> Response {
    let status =
        |code: u16| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match answer {
        Answer::Json(code, value) => (
            status(code),
            [(header::CONTENT_TYPE, "application/json")],
            value.to_string(),
        )
            .into_response(),
        Answer::Text(code, text) => (status(code), text).into_response(),
        Answer::Unexpected(why) => (
            StatusCode::NOT_IMPLEMENTED,
            [(header::CONTENT_TYPE, "application/json")],
            json!({ "message": format!("stand-in for {name}: {why}") }).to_string(),
        )
            .into_response(),
    }
}
