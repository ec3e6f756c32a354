//! What a caller can do, one file for each thing.

mod create;
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
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use events::EnvironmentEvent;
pub use trial::Trial;

/// Where the description of the interface is served.
pub const DESCRIPTION: &str = "/api/v1/openapi.json";

/// The routes of the interface, those that change something behind [`commands::once`].
pub fn all(app: &Shared) -> Router<Shared> {
    changing()
        .route_layer(from_fn_with_state(app.clone(), commands::once))
        .merge(reading())
        .into()
}

/// What the routes say of themselves.
#[must_use]
pub fn described() -> OpenApi {
    OpenApiRouter::with_openapi(crate::openapi::head())
        .merge(changing())
        .merge(reading())
        .into_openapi()
}

fn changing() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(create::create))
        .routes(routes!(update::update, remove::remove))
        .routes(routes!(extend::extend))
        .routes(routes!(restore::restore))
        .routes(routes!(rollback::rollback))
        .routes(routes!(platform::drain, platform::thaw))
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
