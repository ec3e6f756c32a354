//! One environment.

use super::input::name_in_path;
use crate::answers::quoted;
use crate::app::Shared;
use crate::caller::Caller;
use crate::environment::EnvironmentAnswer;
use crate::problem::{Problem, Refused};
use axum::Json;
use axum::extract::{Path, State};
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
        ("name" = String, Path, description = "The environment's name."),
        ("Cache-Control" = Option<String>, Header, description = "`no-cache` asks the store itself."),
    ),
    responses(
        (status = 200, description = "The environment.", body = EnvironmentAnswer,
            headers(("ETag" = String, description = "State of the claim."))),
        (status = 404, description = "There is none that you may see.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<([(HeaderName, String); 1], Json<EnvironmentAnswer>), Refused> {
    let name = name_in_path(&name)?;
    let fresh = headers
        .get(CACHE_CONTROL)
        .is_some_and(|wish| wish == "no-cache");
    let environment = match app.view.get(name.as_str()) {
        Some(known) if !fresh => {
            app.require_visible(&caller, &known)?;
            known
        }
        // Another replica may have made it a moment ago.
        _ => app.require(&caller, &name).await?,
    };
    let etag = quoted(environment.etag());
    Ok(([(ETAG, etag)], Json(environment.answer())))
}
