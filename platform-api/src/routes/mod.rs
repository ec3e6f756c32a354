//! What a caller can do, one file for each thing.

mod bodies;
mod create;
mod descriptions;
mod events;
mod explain;
mod extend;
mod health;
mod input;
mod list;
mod platform;
mod read;
mod remove;
mod restore;
mod rollback;
mod trial;
mod update;

use crate::app::Shared;
use crate::commands;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

pub use events::EnvironmentEvent;
pub use trial::Trial;

/// Where the description of the interface is served.
pub const DESCRIPTION: &str = "/api/v1/openapi.json";

/// The routes of the interface, those that change something behind [`commands::once`].
pub fn all(app: &Shared) -> Router<Shared> {
    // Around each handler rather than each path: a method that a path does not know is refused without a look at more.
    let once = |handler: MethodRouter<Shared>| {
        handler.route_layer(from_fn_with_state(app.clone(), commands::once))
    };
    changing(once).merge(reading()).into()
}

/// What the routes say of themselves.
#[must_use]
pub fn described() -> OpenApi {
    OpenApiRouter::with_openapi(crate::openapi::head())
        .merge(changing(|handler| handler))
        .merge(reading())
        .into_openapi()
}

fn changing(with: impl Fn(MethodRouter<Shared>) -> MethodRouter<Shared>) -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(create::create).map(&with))
        .routes(routes!(update::update, remove::remove).map(&with))
        .routes(routes!(extend::extend).map(&with))
        .routes(routes!(restore::restore).map(&with))
        .routes(routes!(rollback::rollback).map(&with))
        .routes(routes!(platform::drain, platform::thaw).map(&with))
}

fn reading() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(list::list))
        .routes(routes!(read::read))
        .routes(routes!(explain::explain))
        .routes(routes!(events::of_one))
        .routes(routes!(events::of_all))
        .routes(routes!(platform::state))
}

/// Routes that tell machines how the program is.
pub fn health() -> Router<Shared> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
}
