//! How the program starts, listens and stops.

use crate::app::{App, Shared};
use crate::estimate::Estimates;
use crate::gitlab::GitLab;
use crate::idempotency::Keys;
use crate::identity::Verifier;
use crate::limits::Rates;
use crate::metrics::{self, Metrics};
use crate::policy::{self, Policies};
use crate::problem::Problem;
use crate::requests::{identify, limit_time};
use crate::routes::{self, DESCRIPTION};
use crate::settings::{Settings, file, remembered, secret};
use crate::sweeper::Sweeper;
use crate::view::View;
use crate::{audit, console, openapi, searching, traces};
use anyhow::Context as _;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use claim_store::{ClaimStore, StaticClaims, Statuses};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Writes that were begun get so long to end.
const LAST_WORDS: Duration = Duration::from_secs(45);

/// Runs the program until `stop` is cancelled.
pub async fn run(settings: Settings, stop: CancellationToken) -> anyhow::Result<()> {
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!(
            "SLW-532: {} cannot be listened on; take another address",
            settings.listen
        )
    })?;
    let app = assemble(&settings, stop)?;
    serve(app, &settings, listener).await
}

/// Puts the parts together; nothing is asked of anybody yet.
pub fn assemble(settings: &Settings, stop: CancellationToken) -> anyhow::Result<Shared> {
    let store = &settings.store;
    let bucket = |name: &Option<String>| name.as_deref().map(|name| store.access(name)).transpose();
    let plans = settings.plans_file.as_deref().map(file).transpose()?;
    let gitlab = settings.gitlab.as_ref().map(|gitlab| {
        let token = secret(&gitlab.token_file)?;
        anyhow::Ok(GitLab::new(
            gitlab.url.clone(),
            token,
            gitlab.folder.clone(),
        )?)
    });
    let search = settings.search.as_ref().map(|search| {
        let index = search::Index::new(search.access()?)?;
        anyhow::Ok(Arc::new(index.carrying(traces::carry)))
    });
    let metrics = Metrics::new();
    Ok(Arc::new(App {
        claims: ClaimStore::new(&store.access(&store.bucket)?)?,
        static_claims: bucket(&store.static_bucket)?
            .map(|access| StaticClaims::new(&access))
            .transpose()?,
        statuses: bucket(&store.status_bucket)?
            .map(|access| Statuses::new(&access))
            .transpose()?,
        verifier: Arc::new(Verifier::new(settings.identity.clone())?),
        policies: Arc::new(Policies::new(&settings.policies)?),
        view: View::default(),
        audit: audit::Log::open(&(&settings.audit).into(), Timestamp::now())?,
        keys: Keys::new(remembered()),
        rates: Rates::new(settings.rate.into()),
        metrics,
        estimates: Estimates::new(settings.sizes.clone(), plans.as_deref())?,
        gitlab: gitlab.transpose()?,
        search: search.transpose()?,
        git_types: settings.git_types.iter().map(|name| name.0).collect(),
        protected_types: settings.protected_types.iter().map(|name| name.0).collect(),
        tasks: TaskTracker::new(),
        stop,
    }))
}

/// Serves on `listener` until the app is told to stop, then ends what was begun.
pub async fn serve(app: Shared, settings: &Settings, listener: TcpListener) -> anyhow::Result<()> {
    let sweeper = Sweeper::new(&settings.platform);
    app.tasks.spawn(sweeper.run(
        app.clone(),
        Duration::from_secs(settings.sweep_seconds.max(1)),
    ));
    if let Some(index) = &app.search {
        app.tasks
            .spawn(searching::index(app.clone(), index.clone()));
    }
    if let Some(address) = settings.policy_listen {
        anyhow::ensure!(
            address.ip().is_loopback(),
            "SLW-531: policy_listen is {address}, and whoever reaches it decides who may do what; take a loopback address"
        );
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("SLW-532: {address} cannot be listened on; take another address")
        })?;
        app.tasks
            .spawn(app.policies.clone().follow(app.stop.clone()));
        let routes = policy::router(app.policies.clone());
        let stop = app.stop.clone();
        app.tasks.spawn(async move {
            let served =
                axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned());
            if let Err(error) = served.await {
                tracing::error!(%error, "policies are not taken any more");
            }
        });
    }
    tracing::info!(address = %listener.local_addr()?, platform = settings.platform, "listening");
    axum::serve(listener, router(&app, settings))
        .with_graceful_shutdown(app.stop.clone().cancelled_owned())
        .await?;
    app.tasks.close();
    if tokio::time::timeout(LAST_WORDS, app.tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!("some work did not end in time");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Everything that the public address serves, outermost layer last: measured, traced, named, bounded.
pub fn router(app: &Shared, settings: &Settings) -> Router {
    let limit = Duration::from_secs(settings.request_seconds.max(1));
    let page = settings
        .console
        .as_ref()
        .map(|page| console::router(&page.into()));
    let description = openapi::description();
    let described = get(move || std::future::ready(Json(description.clone())));
    routes::all(app)
        .route(DESCRIPTION, described)
        .merge(routes::health())
        .with_state(app.clone())
        .route("/metrics", get(figures).with_state(app.clone()))
        .merge(console::schema())
        .merge(page.unwrap_or_default())
        .fallback(no_route)
        .layer(from_fn(move |request: Request, next| {
            limit_time(limit, request, next)
        }))
        .layer(from_fn(identify))
        .layer(from_fn(traces::follow))
        .layer(from_fn_with_state(app.metrics.clone(), metrics::observe))
}

/// The handler of `/metrics`: what the policies say of themselves is asked when it is read.
async fn figures(State(app): State<Shared>) -> impl IntoResponse {
    let policies = app.policies.state(Timestamp::now());
    if let Some(heard) = policies.heard {
        app.metrics.policy_loaded(heard);
    }
    app.metrics
        .policies_refused(policies.refused.map_or(0, |refusal| refusal.faults.len()));
    metrics::answer(&app.metrics)
}

async fn no_route() -> Problem {
    *crate::requests::of_status(StatusCode::NOT_FOUND)
}
