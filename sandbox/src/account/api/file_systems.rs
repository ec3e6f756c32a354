//! `/vfs`. One file system is answered bare, without a key around it: the vendor's client reads it so.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date, number, status_since};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::refusal::Refusal;
use crate::account::service::Account;
use crate::account::state::{FileSystem, FileSystemRequest, State as Contents};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/vfs", get(list).post(create))
        .route("/vfs/{id}", get(show_one).put(update).delete(remove))
        .route("/vfs/{id}/attachments", get(attachments))
        .route(
            "/vfs/{id}/attachments/{instance}",
            get(attachment).put(attach).delete(detach),
        )
}

fn size(gb: u32) -> Value {
    json!({"bytes": u64::from(gb) << 30, "gb": gb})
}

fn show(contents: &Contents, found: &FileSystem) -> Value {
    json!({
        "id": found.id,
        "region": found.region,
        "date_created": date(found.created),
        "status": status_since(found.ready_at, contents.now),
        "label": found.label,
        "tags": found.tags,
        "disk_type": found.disk_type,
        "storage_size": size(found.size_gb),
        "storage_used": size(0),
        "billing": {"charges": 0, "monthly": number(found.price().monthly)},
    })
}

fn show_attachment(id: &str, mount: u32, instance: &str) -> Value {
    json!({"vfs_id": id, "state": "ATTACHED", "target_id": instance, "mount_tag": mount})
}

/// Size out of `storage_size`, if given.
fn wanted_size(fields: &Fields) -> Result<Option<u32>, Refusal> {
    match fields.object("storage_size")? {
        Some(size) => Fields::from_value(size)?.count("gb"),
        None => Ok(None),
    }
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| {
        let all = state.file_systems.listed(listing.stale);
        listing.page("vfs", all, |found| show(state, found))
    }))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let request = FileSystemRequest {
        region: fields.required("region")?,
        label: fields.text("label")?.unwrap_or_default(),
        tags: fields.texts("tags")?.unwrap_or_default(),
        disk_type: fields
            .text("disk_type")?
            .unwrap_or_else(|| "nvme".to_owned()),
        size_gb: wanted_size(&fields)?.unwrap_or_default(),
    };
    account.change(|state| {
        let made = state.create_file_system(request)?.clone();
        Ok(Answer::accepted(show(state, &made)))
    })
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| Ok(Answer::ok(show(state, state.file_systems.find(&id)?))))
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let label = fields.text("label")?.filter(|label| !label.is_empty());
    let size_gb = wanted_size(&fields)?.filter(|gb| *gb > 0);
    account.change(|state| {
        let changed = state.change_file_system(&id, label, size_gb)?.clone();
        Ok(Answer::ok(show(state, &changed)))
    })
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_file_system(&id))?;
    Ok(Answer::done())
}

async fn attachments(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        let holders = state.file_systems.find(&id)?.holders.iter();
        let shown: Vec<Value> = holders
            .map(|(mount, instance)| show_attachment(&id, *mount, instance))
            .collect();
        Ok(Answer::ok(json!({"attachments": shown})))
    })
}

async fn attachment(
    State(account): State<Account>,
    Path((id, instance)): Path<(String, String)>,
) -> Answered {
    account.work(|state| {
        let mut holders = state.file_systems.find(&id)?.holders.iter();
        let (mount, _) = holders
            .find(|(_, held)| *held == instance)
            .ok_or_else(|| Refusal::new(404, "Attachment Not Found"))?;
        Ok(Answer::ok(show_attachment(&id, *mount, &instance)))
    })
}

async fn attach(
    State(account): State<Account>,
    Path((id, instance)): Path<(String, String)>,
) -> Answered {
    let mount = account.change(|state| state.attach_file_system(&id, &instance))?;
    Ok(Answer::created(show_attachment(&id, mount, &instance)))
}

async fn detach(
    State(account): State<Account>,
    Path((id, instance)): Path<(String, String)>,
) -> Answered {
    account.change(|state| state.detach_file_system(&id, &instance))?;
    Ok(Answer::done())
}
