//! What requests that change something go through before their handler: who asks, the whole body, and whether it was
//! done already.
//!
//! The handler runs in a task of its own: a write that was begun comes to its end, and into the audit log, when its
//! caller goes away.

use crate::app::Shared;
use crate::caller::Caller;
use crate::idempotency::{
    Answer, Begun, KEY_HEADER, Key, KeyError, REPLAYED_HEADER, Request as Described, Running,
};
use crate::problem::{Problem, Refused};
use crate::requests::of_status;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

/// A claim is a few hundred bytes.
pub const LARGEST_BODY: usize = 256 * 1024;

/// The id of the write that a request makes: the same for a request that is sent again with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The id.
    pub id: Uuid,
    /// Whether the request has a key, so that it may have been sent before.
    pub repeatable: bool,
}

/// Sees to it that a request with a key has one effect and one answer.
pub async fn once(State(app): State<Shared>, request: Request, next: Next) -> Response {
    match prepare(app, request, next).await {
        Ok(answer) => answer,
        Err(refused) => refused.into_response(),
    }
}

async fn prepare(app: Shared, request: Request, next: Next) -> Result<Response, Refused> {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &app).await?;
    let kind = parts.headers.get(CONTENT_TYPE);
    let length = parts.headers.get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
    if length.is_some_and(|length| length != b"0") && !kind.is_some_and(is_json) {
        return Err(not_json(kind));
    }
    let body = to_bytes(body, LARGEST_BODY)
        .await
        .map_err(|_| of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let key = parts
        .headers
        .get(KEY_HEADER)
        .map(|header| Key::read(header.as_bytes()))
        .transpose()
        .map_err(|error| refused_key(&error))?;
    let if_match = parts
        .headers
        .get(IF_MATCH)
        .and_then(|header| header.to_str().ok());
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let principal = caller.principal.to_string();
    let described = Described {
        principal: &principal,
        method: parts.method.as_str(),
        path,
        if_match,
        body: &body,
    };
    let operation = Operation {
        id: described.operation(key.as_ref()),
        repeatable: key.is_some(),
    };
    let running = match &key {
        None => None,
        Some(key) => match app
            .keys
            .begin(key, &described, Instant::now())
            .map_err(|error| refused_key(&error))?
        {
            Begun::First(running) => Some(running),
            Begun::Again(answer) => return Ok(replay(answer)),
        },
    };
    parts.extensions.insert(operation);
    parts.extensions.insert(caller);
    let request = Request::from_parts(parts, Body::from(body));
    let work = async move { remember(next.run(request).await, running).await };
    let answered = app.tasks.spawn(work.in_current_span()).await;
    answered.map_err(|error| {
        tracing::error!(%error, "a handler broke down");
        of_status(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

async fn remember(answer: Response, running: Option<Running>) -> Response {
    let Some(running) = running else {
        return answer;
    };
    if !answer.status().is_success() {
        return answer;
    }
    let (head, body) = answer.into_parts();
    // Our own answers are in memory already.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let receipt = HeaderName::from_static(crate::audit::RECEIPT_HEADER);
    let headers = [ETAG, LOCATION, CONTENT_TYPE, receipt]
        .into_iter()
        .filter_map(|name| {
            let value = head.headers.get(&name)?.to_str().ok()?.to_owned();
            Some((name.as_str().to_owned(), value))
        })
        .collect();
    let kept = Answer {
        status: head.status.as_u16(),
        headers,
        body: body.clone(),
    };
    running.finish(&kept, Instant::now());
    Response::from_parts(head, Body::from(body))
}

fn replay(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    response.headers_mut().remove(CONTENT_TYPE);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    let replayed = HeaderValue::from_static("true");
    response.headers_mut().insert(REPLAYED_HEADER, replayed);
    response
}

fn is_json(kind: &HeaderValue) -> bool {
    let text = kind.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn not_json(kind: Option<&HeaderValue>) -> Refused {
    let found = kind
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("nothing");
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "SLW-516",
        "Not JSON",
        format!("the body is declared as {found}, and only JSON is read"),
        "send the header `Content-Type: application/json`",
    )
}

fn refused_key(error: &KeyError) -> Refused {
    let status = match error {
        KeyError::Malformed { .. } => StatusCode::BAD_REQUEST,
        KeyError::Reused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        KeyError::UnderWay { .. } => StatusCode::CONFLICT,
    };
    let problem = Problem::from_text(status, "Idempotency-Key cannot be used", &error.to_string());
    match error {
        KeyError::UnderWay { .. } => problem.retry_after(1),
        _ => problem,
    }
}
