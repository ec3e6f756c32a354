//! `/snapshots`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::service::Account;
use crate::account::state::{ServerSnapshot, State as Contents};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/snapshots", get(list).post(create))
        .route("/snapshots/{id}", get(show_one).put(update).delete(remove))
}

fn show(contents: &Contents, snapshot: &ServerSnapshot) -> Value {
    let complete = snapshot.ready_at <= contents.now;
    let bytes = u64::from(snapshot.size_gb) << 30;
    json!({
        "id": snapshot.id,
        "date_created": date(snapshot.created),
        "description": snapshot.description,
        "size": if complete { bytes } else { 0 },
        "compressed_size": if complete { bytes / 4 } else { 0 },
        "status": if complete { "complete" } else { "pending" },
        "os_id": snapshot.os_id,
        "app_id": 0,
    })
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| {
        let all = state.server_snapshots.listed(listing.stale);
        listing.page("snapshots", all, |snapshot| show(state, snapshot))
    }))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let instance = fields.required("instance_id")?;
    let description = fields.text("description")?.unwrap_or_default();
    account.change(|state| {
        let made = state
            .create_server_snapshot(&instance, description)?
            .clone();
        Ok(Answer::created(json!({"snapshot": show(state, &made)})))
    })
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        let found = state.server_snapshots.find(&id)?;
        Ok(Answer::ok(json!({"snapshot": show(state, found)})))
    })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let description = fields.text("description")?.unwrap_or_default();
    account.change(|state| {
        state.server_snapshots.find_mut(&id)?.description = description;
        Ok(Answer::done())
    })
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_server_snapshot(&id))?;
    Ok(Answer::done())
}
