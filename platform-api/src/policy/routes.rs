//! The routes of cedar-agent, for the loopback listener.
//!
//! OPAL's client takes 200 and 400 for an answer to a policy and retries anything else; it never looks at what a 400 says.
//! So a bad policy is answered 400, is laid ready all the same, and makes the whole set refused until it is mended.

use super::feed::Inbox;
use super::holder::Policies;
use authz::{Question, schema_json};
use axum::extract::{DefaultBodyLimit, Request, State as Shared};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Data of some ten thousand people and pools.
const LARGEST_BODY: usize = 32 * 1024 * 1024;

/// A policy on the wire.
#[derive(Debug, Serialize, Deserialize)]
struct Policy {
    #[serde(default)]
    id: String,
    content: String,
}

/// The routes by which OPAL's client feeds, and by which others of this host may ask.
pub fn router(policies: Arc<Policies>) -> Router {
    let guarded = Router::new()
        .route("/v1/policies", get(list).put(replace).post(add))
        .route("/v1/policies/{id}", get(read).put(write).delete(remove))
        .route("/v1/data", get(data).put(write_data).delete(remove_data))
        .route(
            "/v1/schema",
            get(schema).put(fixed_schema).delete(fixed_schema),
        )
        .route("/v1/status", get(status))
        .route("/v1/is_authorized", post(is_authorized))
        .layer(middleware::from_fn_with_state(Arc::clone(&policies), admit));
    // OPAL's client probes this one without its token.
    let open = Router::new()
        .route("/v1/", get(alive))
        .route("/v1", get(alive));
    guarded
        .merge(open)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(policies)
}

async fn admit(Shared(policies): Shared<Arc<Policies>>, request: Request, next: Next) -> Response {
    let admitted = policies
        .inbox
        .as_ref()
        .is_none_or(|inbox| inbox.admits(bearer(request.headers())));
    if admitted {
        next.run(request).await
    } else {
        refused(
            StatusCode::UNAUTHORIZED,
            "the token of the policy feed is missing or wrong",
        )
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

async fn alive() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn status(Shared(policies): Shared<Arc<Policies>>) -> Response {
    Json(policies.state(Timestamp::now())).into_response()
}

async fn list(Shared(policies): Shared<Arc<Policies>>) -> Response {
    with_inbox(&policies, |inbox| {
        let stage = inbox.stage();
        let listed = stage.policies.iter().map(|(id, content)| Policy {
            id: id.clone(),
            content: content.clone(),
        });
        Json(listed.collect::<Vec<_>>()).into_response()
    })
}

async fn replace(
    Shared(policies): Shared<Arc<Policies>>,
    Json(all): Json<Vec<Policy>>,
) -> Response {
    with_inbox(&policies, |inbox| {
        let all: BTreeMap<String, String> = all
            .into_iter()
            .map(|policy| (policy.id, policy.content))
            .collect();
        inbox.write(Timestamp::now(), |stage| stage.policies = all);
        StatusCode::OK.into_response()
    })
}

async fn add(Shared(policies): Shared<Arc<Policies>>, Json(policy): Json<Policy>) -> Response {
    with_inbox(&policies, |inbox| {
        if inbox.stage().policies.contains_key(&policy.id) {
            return refused(StatusCode::CONFLICT, "a policy of this id is there already");
        }
        put(inbox, policy.id, policy.content)
    })
}

async fn read(Shared(policies): Shared<Arc<Policies>>, uri: Uri) -> Response {
    with_inbox(&policies, |inbox| {
        let id = id_of(&uri);
        let content = inbox.stage().policies.get(&id).cloned();
        content.map_or_else(unknown, |content| {
            Json(Policy { id, content }).into_response()
        })
    })
}

async fn write(
    Shared(policies): Shared<Arc<Policies>>,
    uri: Uri,
    Json(policy): Json<Policy>,
) -> Response {
    with_inbox(&policies, |inbox| put(inbox, id_of(&uri), policy.content))
}

async fn remove(Shared(policies): Shared<Arc<Policies>>, uri: Uri) -> Response {
    with_inbox(&policies, |inbox| {
        let id = id_of(&uri);
        match inbox.write(Timestamp::now(), |stage| stage.policies.remove(&id)) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => unknown(),
        }
    })
}

async fn data(Shared(policies): Shared<Arc<Policies>>) -> Response {
    with_inbox(&policies, |inbox| {
        Json(inbox.stage().data.clone().unwrap_or_else(|| json!([]))).into_response()
    })
}

async fn write_data(Shared(policies): Shared<Arc<Policies>>, Json(data): Json<Value>) -> Response {
    with_inbox(&policies, |inbox| {
        inbox.write(Timestamp::now(), |stage| stage.data = Some(data));
        StatusCode::OK.into_response()
    })
}

async fn remove_data(Shared(policies): Shared<Arc<Policies>>) -> Response {
    with_inbox(&policies, |inbox| {
        inbox.write(Timestamp::now(), |stage| stage.data = None);
        StatusCode::NO_CONTENT.into_response()
    })
}

async fn schema() -> Json<&'static Value> {
    Json(schema_json())
}

async fn fixed_schema() -> Response {
    refused(
        StatusCode::METHOD_NOT_ALLOWED,
        "the schema is that of the program; policies follow it",
    )
}

async fn is_authorized(
    Shared(policies): Shared<Arc<Policies>>,
    Json(question): Json<Question>,
) -> Response {
    let set = match policies.current() {
        Ok(set) => set,
        Err(error) => return refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    };
    match set.answer(&question) {
        Ok(verdict) => {
            let reason: Vec<&str> = verdict
                .deciding
                .iter()
                .map(|deciding| deciding.policy.as_str())
                .collect();
            Json(json!({
                "decision": if verdict.allowed { "Allow" } else { "Deny" },
                "diagnostics": {"reason": reason, "errors": verdict.errors},
            }))
            .into_response()
        }
        Err(why) => refused(StatusCode::BAD_REQUEST, &why),
    }
}

/// Lays a policy ready, whether it can be read or not: what is broken must be seen, not forgotten.
fn put(inbox: &Inbox, id: String, content: String) -> Response {
    let fault = authz::check_policy(&id, &content).err();
    let answer = Policy {
        id: id.clone(),
        content: content.clone(),
    };
    inbox.write(Timestamp::now(), |stage| stage.policies.insert(id, content));
    match fault {
        None => Json(answer).into_response(),
        Some(fault) => refused(StatusCode::BAD_REQUEST, &fault.to_string()),
    }
}

/// The id in the last segment of a path, as `quote_plus` of Python writes it.
fn id_of(uri: &Uri) -> String {
    let segment = uri
        .path()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .replace('&', "%26");
    let pair = format!("id={segment}");
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, id)| id.into_owned())
        .unwrap_or_default()
}

fn with_inbox(policies: &Policies, answer: impl FnOnce(&Inbox) -> Response) -> Response {
    match &policies.inbox {
        Some(inbox) => answer(inbox),
        None => refused(
            StatusCode::CONFLICT,
            "policies do not come from a feed here; see `policy` in the settings",
        ),
    }
}

fn unknown() -> Response {
    refused(StatusCode::NOT_FOUND, "there is no policy of this id")
}

fn refused(status: StatusCode, why: &str) -> Response {
    let reason = status.canonical_reason().unwrap_or_default();
    (
        status,
        Json(json!({"reason": reason, "description": why, "code": status.as_u16()})),
    )
        .into_response()
}
