//! The vendor's API, `/v2`.

mod absent_kinds;
mod account;
mod answer;
mod blocks;
mod catalogue;
mod clusters;
mod fields;
mod file_systems;
mod firewalls;
mod gate;
mod instances;
mod listing;
mod load_balancers;
mod nat_gateways;
mod pools;
mod rate;
mod reserved_ips;
mod server_snapshots;
mod ssh_keys;
mod startup_scripts;
mod vpcs;

use axum::Router;
use axum::middleware;

use super::refusal::Refusal;
use super::service::Account;

pub(crate) use answer::in_vendors_words;
pub(crate) use gate::{Aborted, Caller, faults_alone};
pub(crate) use rate::RateLimit;

/// Everything under `/v2`, behind the gate that journals, authorizes and injects faults.
pub(crate) fn router(account: Account) -> Router {
    let routes = Router::new()
        .merge(account::routes())
        .merge(catalogue::routes())
        .merge(clusters::routes())
        .merge(pools::routes())
        .merge(vpcs::routes())
        .merge(instances::routes())
        .merge(blocks::routes())
        .merge(load_balancers::routes())
        .merge(ssh_keys::routes())
        .merge(absent_kinds::routes())
        .merge(nat_gateways::routes())
        .merge(firewalls::routes())
        .merge(file_systems::routes())
        .merge(server_snapshots::routes())
        .merge(reserved_ips::routes())
        .merge(startup_scripts::routes())
        .fallback(async || Refusal::new(404, "Invalid API path."));
    Router::new()
        .nest("/v2", routes)
        .layer(middleware::from_fn_with_state(account.clone(), gate::gate))
        .with_state(account)
}
