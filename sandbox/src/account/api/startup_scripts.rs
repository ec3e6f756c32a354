//! `/startup-scripts`. A list leaves the scripts themselves out.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::service::Account;
use crate::account::state::StartupScript;

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/startup-scripts", get(list).post(create))
        .route(
            "/startup-scripts/{id}",
            get(show_one).patch(update).delete(remove),
        )
}

fn show_briefly(script: &StartupScript) -> Value {
    json!({
        "id": script.id,
        "date_created": date(script.created),
        "date_modified": date(script.modified),
        "name": script.name,
        "type": script.kind,
    })
}

fn show(script: &StartupScript) -> Value {
    let mut shown = show_briefly(script);
    shown["script"] = json!(script.script);
    shown
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| {
        listing.page(
            "startup_scripts",
            state.startup_scripts.listed(listing.stale),
            show_briefly,
        )
    }))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let (name, script) = (fields.required("name")?, fields.required("script")?);
    let kind = fields.text("type")?.filter(|kind| !kind.is_empty());
    let kind = kind.unwrap_or_else(|| "boot".to_owned());
    account.change(|state| {
        let made = state.create_startup_script(name, kind, script)?;
        Ok(Answer::created(json!({"startup_script": show(made)})))
    })
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"startup_script": show(state.startup_scripts.find(&id)?)}),
        ))
    })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let (name, script) = (fields.text("name")?, fields.text("script")?);
    account.change(|state| state.change_startup_script(&id, name, script))?;
    Ok(Answer::done())
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_startup_script(&id))?;
    Ok(Answer::done())
}
