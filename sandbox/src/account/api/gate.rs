//! What every call passes: rate limit, key, faults, journal.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use axum::http::{Method, Response};
use axum::middleware::Next;
use axum::response::IntoResponse;
use futures::{StreamExt as _, stream};

use super::listing::Stale;
use crate::account::faults::{Action, Decision, Failure};
use crate::account::journal::{Entry, without_secrets};
use crate::account::refusal::Refusal;
use crate::account::service::Account;

/// Largest request body.
const MOST_BODY: usize = 4 << 20;

/// Where a call comes from; set by the server for each connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller(pub(crate) SocketAddr);

/// Marks a response that must not be sent: the server closes the connection instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aborted;

/// A call while it is worked on.
struct Call {
    started: Instant,
    method: Method,
    path: String,
    path_and_query: String,
    caller: String,
    source: IpAddr,
    authorized: bool,
    body: Bytes,
}

/// Leads a call to its handler, or to its fault.
pub(super) async fn gate(
    State(account): State<Account>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BODY).await else {
        return Refusal::new(413, "Request body is too large").into_response();
    };
    let call = Call::read(&parts, body.clone(), &account.options().api_key);
    if let Err(refusal) = admit(&account, &call) {
        call.note(&account, refusal.status, None);
        return refusal.into_response();
    }
    let decision = account.rules().decide(call.method.as_str(), &call.path);
    let mut request = Request::from_parts(parts, Body::from(body));
    if decision
        .as_ref()
        .is_some_and(|decision| decision.action == Action::StaleList)
    {
        request.extensions_mut().insert(Stale);
    }
    match decision {
        None => {
            let response = next.run(request).await;
            call.note(&account, response.status().as_u16(), None);
            response
        }
        Some(decision) => go_wrong(&account, &call, decision, request, next).await,
    }
}

/// Leads a call that is not the account's own to its handler, or to its fault. The journal has it only if a fault hit it.
pub(crate) async fn faults_alone(
    State(account): State<Account>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let Some(decision) = account.rules().decide(method.as_str(), &path) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BODY).await else {
        return Refusal::new(413, "Request body is too large").into_response();
    };
    let call = Call::read(&parts, Bytes::new(), &account.options().api_key);
    let request = Request::from_parts(parts, Body::from(body));
    go_wrong(&account, &call, decision, request, next).await
}

/// Rate limit and key.
fn admit(account: &Account, call: &Call) -> Result<(), Refusal> {
    if !account.rate().allows(call.source, call.started) {
        return Err(Refusal::new(429, "API rate limit exceeded"));
    }
    if call.authorized || is_public(&call.method, &call.path) {
        Ok(())
    } else {
        Err(Refusal::new(401, "Invalid API token."))
    }
}

/// Calls that need no key.
fn is_public(method: &Method, path: &str) -> bool {
    let path = path.strip_prefix("/v2").unwrap_or(path);
    let listed = matches!(
        path,
        "/regions"
            | "/plans"
            | "/plans-metal"
            | "/os"
            | "/applications"
            | "/iso-public"
            | "/kubernetes/versions"
    );
    method == Method::GET
        && (listed || (path.starts_with("/regions/") && path.ends_with("/availability")))
}

async fn go_wrong(
    account: &Account,
    call: &Call,
    decision: Decision,
    request: Request,
    next: Next,
) -> Response<Body> {
    let Decision {
        action,
        hold_ms,
        name,
    } = decision;
    let hold = hold_ms.map_or(account.options().hold, Duration::from_millis);
    match action {
        Action::Status(failure) => {
            if failure.after {
                drop(next.run(request).await);
            }
            call.note(account, failure.status, Some(name));
            failed(&failure)
        }
        Action::TimeoutBefore => {
            call.note(account, 0, Some(name));
            hang(hold).await
        }
        Action::TimeoutAfter => {
            drop(next.run(request).await);
            call.note(account, 0, Some(name));
            hang(hold).await
        }
        Action::CutBody => {
            let response = next.run(request).await;
            call.note(account, 0, Some(name));
            cut(response).await
        }
        Action::SlowMs(delay) => {
            let response = next.run(request).await;
            tokio::time::sleep(Duration::from_millis(delay)).await;
            call.note(account, response.status().as_u16(), Some(name));
            response
        }
        Action::StaleList => {
            let response = next.run(request).await;
            call.note(account, response.status().as_u16(), Some(name));
            response
        }
    }
}

/// The vendor's words for a status, or the ordered ones.
fn failed(failure: &Failure) -> Response<Body> {
    let usual = match failure.status {
        401 => "Unauthorized IP address: 127.0.0.1",
        429 => "API rate limit exceeded",
        503 => "Service unavailable.",
        500.. => "Internal server error.",
        _ => "Bad request.",
    };
    let text = failure.error.clone().unwrap_or_else(|| usual.to_owned());
    let mut response = Refusal::new(failure.status, text).into_response();
    if let Some(seconds) = failure.retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Holds the connection, then has it closed without an answer.
async fn hang(hold: Duration) -> Response<Body> {
    tokio::time::sleep(hold).await;
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Aborted);
    response
}

/// Announces the whole body and sends half of it.
async fn cut(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    if body.is_empty() {
        // There is no body to cut: the connection ends before the answer.
        return hang(Duration::ZERO).await;
    }
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let end = async {
        // The server sends what it has when it has to wait for more: without this it would drop the half, too.
        tokio::task::yield_now().await;
        Err(std::io::Error::new(
            std::io::ErrorKind::ConnectionReset,
            "cut by a fault",
        ))
    };
    let chunks = stream::iter([Ok(half)]).chain(stream::once(end));
    Response::from_parts(parts, Body::from_stream(chunks))
}

impl Call {
    fn read(parts: &axum::http::request::Parts, body: Bytes, api_key: &str) -> Self {
        let header = |name: HeaderName| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let source = parts
            .extensions
            .get::<Caller>()
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |caller| caller.0.ip());
        let agent = header(USER_AGENT);
        Self {
            started: Instant::now(),
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            path_and_query: parts
                .uri
                .path_and_query()
                .map_or_else(|| parts.uri.path().to_owned(), ToString::to_string),
            caller: if agent.is_empty() {
                source.to_string()
            } else {
                agent.to_owned()
            },
            source,
            authorized: header(AUTHORIZATION).strip_prefix("Bearer ") == Some(api_key),
            body,
        }
    }

    fn note(&self, account: &Account, status: u16, fault: Option<String>) {
        let entry = Entry {
            n: 0,
            ts: account.clock().now(),
            method: self.method.to_string(),
            path: self.path_and_query.clone(),
            status,
            caller: self.caller.clone(),
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            body: without_secrets(&self.body),
            fault,
        };
        account.journal().add(entry);
    }
}
