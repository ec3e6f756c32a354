//! `/vpcs/{id}/nat-gateway`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date, number, status_since};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::catalogue;
use crate::account::service::Account;
use crate::account::state::{NatGateway, State as Contents};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/vpcs/{id}/nat-gateway", get(list).post(create))
        .route(
            "/vpcs/{id}/nat-gateway/{gateway}",
            get(show_one).put(update).delete(remove),
        )
}

fn show(contents: &Contents, gateway: &NatGateway) -> Value {
    json!({
        "id": gateway.id,
        "vpc_id": gateway.nic.vpc_id,
        "date_created": date(gateway.created),
        "status": status_since(gateway.ready_at, contents.now),
        "label": gateway.label,
        "tag": gateway.tag,
        "public_ips": [gateway.address],
        "public_ips_v6": [],
        "private_ips": [gateway.nic.ip],
        "billing": {"charges": 0, "monthly": number(catalogue::nat_gateway().monthly)},
    })
}

async fn list(
    State(account): State<Account>,
    Path(vpc): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        state.vpcs.find(&vpc)?;
        let of_vpc = state
            .nat_gateways
            .listed(listing.stale)
            .filter(|(_, gateway)| gateway.nic.vpc_id == vpc);
        Ok(listing.page("nat_gateways", of_vpc, |gateway| show(state, gateway)))
    })
}

async fn create(
    State(account): State<Account>,
    Path(vpc): Path<String>,
    fields: Fields,
) -> Answered {
    let label = fields.text("label")?.unwrap_or_default();
    let tag = fields.text("tag")?.unwrap_or_default();
    account.change(|state| {
        let made = state.create_nat_gateway(&vpc, label, tag)?.clone();
        Ok(Answer::created(json!({"nat_gateway": show(state, &made)})))
    })
}

async fn show_one(
    State(account): State<Account>,
    Path((vpc, id)): Path<(String, String)>,
) -> Answered {
    account.work(|state| {
        let gateway = state.nat_gateway_of(&vpc, &id)?;
        Ok(Answer::ok(json!({"nat_gateway": show(state, gateway)})))
    })
}

async fn update(
    State(account): State<Account>,
    Path((vpc, id)): Path<(String, String)>,
    fields: Fields,
) -> Answered {
    let (label, tag) = (fields.text("label")?, fields.text("tag")?);
    account.change(|state| {
        state.nat_gateway_of(&vpc, &id)?;
        let gateway = state.nat_gateways.find_mut(&id)?;
        gateway.label = label.unwrap_or_else(|| gateway.label.clone());
        gateway.tag = tag.unwrap_or_else(|| gateway.tag.clone());
        let gateway = gateway.clone();
        Ok(Answer::accepted(
            json!({"nat_gateway": show(state, &gateway)}),
        ))
    })
}

async fn remove(
    State(account): State<Account>,
    Path((vpc, id)): Path<(String, String)>,
) -> Answered {
    account.change(|state| state.delete_nat_gateway(&vpc, &id))?;
    Ok(Answer::done())
}
