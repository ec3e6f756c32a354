//! Who asks: every route but health, metrics and the console's files wants to know.

use crate::app::Shared;
use crate::problem::{Problem, Refused};
use crate::requests::RequestId;
use authz::Principal;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

/// A verified caller, whose rate allows the request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who asks.
    pub principal: Principal,
    /// The request, as logs and answers name it.
    pub request: String,
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Refused> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let token = bearer(parts)?;
        let principal = app.verifier.verify(token).await.map_err(Refused::from)?;
        app.rates.take(&principal.to_string()).map_err(|error| {
            app.metrics.limited();
            Problem::from_text(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                &error.to_string(),
            )
            .retry_after(error.retry_after)
        })?;
        let request = parts
            .extensions
            .get::<RequestId>()
            .map(|id| id.0.clone())
            .unwrap_or_default();
        Ok(Self { principal, request })
    }
}

fn bearer(parts: &Parts) -> Result<&str, Refused> {
    let header = parts.headers.get(AUTHORIZATION);
    let text = header.and_then(|header| header.to_str().ok());
    text.and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    })
    .filter(|token| !token.is_empty())
    .ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "SLW-501",
            "No identity",
            "the request carries no bearer token, so nobody knows who asks",
            "get a token from the identity provider and send it as `Authorization: Bearer TOKEN`",
        )
    })
}
