//! One environment.

use super::descriptions::{Named, Unknown};
use crate::answers::quoted;
use crate::app::Shared;
use crate::caller::Caller;
use crate::environment::EnvironmentAnswer;
use crate::problem::Refused;
use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG};
use axum::http::{HeaderMap, HeaderName};

/// Read an environment
///
/// Answered from memory, which follows the store within seconds and this program's own writes at once. With
/// `Cache-Control: no-cache` the store itself is asked.
#[utoipa::path(
    get,
    path = "/api/v1/environments/{name}",
    tag = "environments",
    params(
        Named,
        ("Cache-Control" = Option<String>, Header, description = "`no-cache` asks the store itself."),
    ),
    responses(
        (status = 200, description = "The environment.", body = EnvironmentAnswer,
            headers(("ETag" = String, description = "State of the claim."))),
        Unknown,
    )
)]
pub(super) async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Named(name): Named,
    headers: HeaderMap,
) -> Result<([(HeaderName, String); 1], Json<EnvironmentAnswer>), Refused> {
    let fresh = headers
        .get(CACHE_CONTROL)
        .is_some_and(|wish| wish == "no-cache");
    let environment = match app.view.get(name.as_str()) {
        Some(known) if !fresh => {
            app.require_visible(&caller, &known)?;
            known
        }
        // Another replica may have made it a moment ago.
        _ => {
            let environment = app.require(&caller, &name).await?;
            app.with_fresh_status(environment).await
        }
    };
    let etag = quoted(environment.etag());
    Ok(([(ETAG, etag)], Json(environment.answer())))
}
