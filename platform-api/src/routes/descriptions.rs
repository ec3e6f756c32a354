//! What several routes take and answer, and say of it in the same words.

use super::input::unreadable;
use crate::app::Shared;
use crate::problem::{Problem, Refused};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use claims::EnvironmentName;
use std::collections::BTreeMap;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required};
use utoipa::{IntoParams, IntoResponses, ToSchema};

/// The environment that the path names. One that no environment can have is one that does not exist.
pub(super) struct Named(pub(super) EnvironmentName);

/// The key that makes a request safe to send again.
pub(super) struct Repeatable;

/// The policies may say no.
pub(super) struct Forbidden;

/// There may be no such environment, or none that the caller may see.
pub(super) struct Unknown;

/// Somebody else may have changed it.
pub(super) struct Outrun;

/// What was sent is a claim, with faults, or for a platform that takes none.
pub(super) struct OfClaim;

impl FromRequestParts<Shared> for Named {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Refused> {
        let Path(text): Path<String> = Path::from_request_parts(parts, app)
            .await
            .map_err(|error| unreadable(&error.body_text()))?;
        let name = text.parse();
        name.map(Self)
            .map_err(|_| Problem::unknown_environment(&text))
    }
}

impl IntoParams for Named {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let name = parameter("name", ParameterIn::Path, "The environment's name.");
        let text = ObjectBuilder::new().schema_type(Type::String);
        vec![name.required(Required::True).schema(Some(text)).build()]
    }
}

impl IntoParams for Repeatable {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let words = "Makes the request safe to send again.";
        let key = parameter("Idempotency-Key", ParameterIn::Header, words);
        let kinds = SchemaType::from_iter([Type::String, Type::Null]);
        let text = ObjectBuilder::new().schema_type(kinds);
        vec![key.required(Required::False).schema(Some(text)).build()]
    }
}

impl IntoResponses for Forbidden {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([("403", "A policy forbids it.")])
    }
}

impl IntoResponses for Unknown {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([("404", "There is none that you may see.")])
    }
}

impl IntoResponses for Outrun {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([("412", "Somebody was faster.")])
    }
}

impl IntoResponses for OfClaim {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([
            ("422", "Every fault of the claim."),
            ("423", "The platform takes no claims now."),
        ])
    }
}

fn parameter(name: &str, place: ParameterIn, words: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .description(Some(words))
}

fn problems<const N: usize>(answers: [(&str, &str); N]) -> BTreeMap<String, RefOr<Response>> {
    let problem = |words: &str| {
        let body = Ref::from_schema_name(Problem::name());
        let body = ContentBuilder::new().schema(Some(body)).build();
        ResponseBuilder::new()
            .description(words)
            .content("application/problem+json", body)
            .build()
    };
    answers
        .map(|(status, words)| (status.to_owned(), problem(words).into()))
        .into()
}
