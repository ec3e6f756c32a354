//! `/account` and what it owes.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::json;

use super::answer::{Answer, Answered, date, number};
use super::listing::Listing;
use crate::account::service::Account;
use crate::account::state::Charge;

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/account", get(show))
        .route("/billing/pending-charges", get(pending_charges))
}

async fn show(State(account): State<Account>) -> Answered {
    let pending = account.work(|state| state.bill().total_usd);
    Ok(Answer::ok(json!({"account": {
        "balance": 0,
        "pending_charges": number(pending),
        "last_payment_date": "",
        "last_payment_amount": 0,
        "name": "Rehearsal",
        "email": "rehearsal@example.com",
        "acls": [
            "abuse", "alerts", "billing", "dns", "firewall", "loadbalancer", "manage_users", "objstore",
            "provisioning", "subscriptions", "subscriptions_view", "support", "upgrade",
        ],
    }})))
}

async fn pending_charges(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| {
        let now = state.now;
        listing.page_of(
            "pending_charges",
            state.ledger.charges().iter(),
            |charge: &Charge| {
                json!({
                    "description": format!("{} {} ({})", charge.kind, charge.label, charge.what),
                    "product": charge.kind,
                    "start_date": date(charge.from),
                    "end_date": date(charge.until.unwrap_or(now)),
                    "units": charge.hours(now),
                    "unit_type": "hours",
                    "unit_price": number(charge.price.hourly),
                    "total": number(charge.amount(now)),
                })
            },
        )
    }))
}
