//! What machines ask: whether to leave the program alone, and whether to send it work.

use crate::app::Shared;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// A view that is older than this is not one to answer from.
const OLDEST_SWEEP: Duration = Duration::from_mins(2);

pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Ready, or everything that is in the way.
pub(super) async fn ready(State(app): State<Shared>) -> (StatusCode, Json<Value>) {
    let mut missing = Vec::new();
    match app.view.swept() {
        None => missing.push("the claims have not been read yet".to_owned()),
        Some(begun) if begun.elapsed() > OLDEST_SWEEP => {
            missing.push(format!(
                "the claims were last read {} s ago",
                begun.elapsed().as_secs()
            ));
        }
        Some(_) => {}
    }
    if let Err(error) = app.policies.current() {
        missing.push(error.to_string());
    }
    if !app.audit.is_healthy() {
        missing.push("the audit log takes nothing".to_owned());
    }
    if app.stop.is_cancelled() {
        missing.push("the program is stopping".to_owned());
    }
    if missing.is_empty() {
        (StatusCode::OK, Json(json!({ "status": "ready" })))
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "not ready", "missing": missing })),
        )
    }
}
