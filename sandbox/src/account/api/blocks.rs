//! `/blocks`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date, number};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::service::Account;
use crate::account::state::{Block, BlockKind, BlockRequest, State as Contents};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/blocks", get(list).post(create))
        .route("/blocks/{id}", get(show_one).patch(update).delete(remove))
        .route("/blocks/{id}/attach", post(attach))
        .route("/blocks/{id}/detach", post(detach))
}

fn show(contents: &Contents, block: &Block) -> Value {
    let holder = block.attached_to.as_deref().unwrap_or_default();
    let instance = contents.instances.get(holder);
    json!({
        "id": block.id,
        "date_created": date(block.created),
        "cost": number(block.kind.price(block.size_gb).monthly),
        "pending_charges": 0,
        "status": if block.active { "active" } else { "pending" },
        "size_gb": block.size_gb,
        "region": block.region,
        "attached_to_instance": holder,
        "attached_to_instance_ip": instance.map_or_else(String::new, |instance| instance.address.to_string()),
        "attached_to_instance_label": instance.map_or("", |instance| instance.label.as_str()),
        "label": block.label,
        "mount_id": block.mount_id,
        "block_type": block.kind.word(),
        "os_id": 0,
        "snapshot_id": "",
        "bootable": block.bootable,
    })
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| {
        listing.page("blocks", state.blocks.listed(listing.stale), |block| {
            show(state, block)
        })
    }))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let request = BlockRequest {
        region: fields.required("region")?,
        label: fields.text("label")?.unwrap_or_default(),
        size_gb: fields.count("size_gb")?.unwrap_or(0),
        kind: BlockKind::of(&fields.text("block_type")?.unwrap_or_default())?,
        bootable: fields.flag("bootable")?.unwrap_or(false),
        cluster_id: None,
    };
    account.change(|state| {
        let id = state.create_block(request)?.id.clone();
        Ok(Answer::accepted(
            json!({"block": show(state, state.blocks.find(&id)?)}),
        ))
    })
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"block": show(state, state.blocks.find(&id)?)}),
        ))
    })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let (label, size_gb) = (fields.text("label")?, fields.count("size_gb")?);
    account.change(|state| state.change_block(&id, label, size_gb))?;
    Ok(Answer::done())
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_block(&id))?;
    Ok(Answer::done())
}

async fn attach(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let instance_id = fields.required("instance_id")?;
    account.change(|state| state.attach_block(&id, &instance_id))?;
    Ok(Answer::done())
}

async fn detach(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.detach_block(&id))?;
    Ok(Answer::done())
}
