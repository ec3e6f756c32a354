//! `/ssh-keys`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::service::Account;
use crate::account::state::SshKey;

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/ssh-keys", get(list).post(create))
        .route("/ssh-keys/{id}", get(show_one).patch(update).delete(remove))
}

fn show(key: &SshKey) -> Value {
    json!({"id": key.id, "name": key.name, "ssh_key": key.public_key, "date_created": date(key.created)})
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| listing.page("ssh_keys", state.ssh_keys.listed(listing.stale), show)))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let (name, key) = (fields.required("name")?, fields.required("ssh_key")?);
    account.change(|state| {
        Ok(Answer::created(
            json!({"ssh_key": show(state.create_ssh_key(&name, key)?)}),
        ))
    })
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"ssh_key": show(state.ssh_keys.find(&id)?)}),
        ))
    })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let (name, key) = (fields.text("name")?, fields.text("ssh_key")?);
    account.change(|state| state.change_ssh_key(&id, name.as_deref(), key))?;
    Ok(Answer::done())
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_ssh_key(&id))?;
    Ok(Answer::done())
}
