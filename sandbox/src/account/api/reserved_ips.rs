//! `/reserved-ips`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::answer::{Answer, Answered};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::service::Account;
use crate::account::state::ReservedIp;

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/reserved-ips", get(list).post(create))
        .route(
            "/reserved-ips/{id}",
            get(show_one).patch(update).delete(remove),
        )
        .route("/reserved-ips/{id}/attach", post(attach))
        .route("/reserved-ips/{id}/detach", post(detach))
}

fn show(reserved: &ReservedIp) -> Value {
    json!({
        "id": reserved.id,
        "region": reserved.region,
        "ip_type": "v4",
        "subnet": reserved.address,
        "subnet_size": 32,
        "label": reserved.label,
        "instance_id": reserved.instance_id.as_deref().unwrap_or_default(),
    })
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| {
        listing.page(
            "reserved_ips",
            state.reserved_ips.listed(listing.stale),
            show,
        )
    }))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let (region, kind) = (fields.required("region")?, fields.required("ip_type")?);
    let label = fields.text("label")?.unwrap_or_default();
    account.change(|state| {
        let made = state.create_reserved_ip(region, &kind, label)?;
        Ok(Answer::created(json!({"reserved_ip": show(made)})))
    })
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"reserved_ip": show(state.reserved_ips.find(&id)?)}),
        ))
    })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let label = fields.text("label")?.unwrap_or_default();
    account.change(|state| {
        let reserved = state.reserved_ips.find_mut(&id)?;
        reserved.label = label;
        Ok(Answer::ok(json!({"reserved_ip": show(reserved)})))
    })
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_reserved_ip(&id))?;
    Ok(Answer::done())
}

async fn attach(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let instance = fields.required("instance_id")?;
    account.change(|state| state.attach_reserved_ip(&id, &instance))?;
    Ok(Answer::done())
}

async fn detach(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.detach_reserved_ip(&id))?;
    Ok(Answer::done())
}
