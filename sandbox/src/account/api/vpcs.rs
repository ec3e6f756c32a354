//! `/vpcs`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::refusal::Refusal;
use crate::account::service::Account;
use crate::account::state::{Attachment, Nic, Vpc, VpcRequest};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/vpcs", get(list).post(create))
        .route("/vpcs/{id}", get(show_one).put(update).delete(remove))
        .route("/vpcs/{id}/attachments", get(attachments))
}

fn show(vpc: &Vpc) -> Value {
    json!({
        "id": vpc.id, "region": vpc.region, "description": vpc.description,
        "v4_subnet": vpc.subnet, "v4_subnet_mask": vpc.mask, "date_created": date(vpc.created),
    })
}

/// A hardware address in its usual form.
pub(super) fn mac(nic: &Nic) -> String {
    let bytes = nic.mac.to_be_bytes();
    bytes[2..]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| listing.page("vpcs", state.vpcs.listed(listing.stale), show)))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let subnet = match (
        fields
            .text("v4_subnet")?
            .filter(|subnet| !subnet.is_empty()),
        fields.number("v4_subnet_mask")?.filter(|mask| *mask > 0),
    ) {
        (Some(subnet), Some(mask)) => Some((subnet, mask)),
        (None, None) => None,
        _ => {
            return Err(Refusal::invalid(
                "`v4_subnet` and `v4_subnet_mask` must be given together",
            ));
        }
    };
    let request = VpcRequest {
        region: fields.required("region")?,
        description: fields.text("description")?.unwrap_or_default(),
        subnet,
    };
    account.change(|state| {
        Ok(Answer::created(
            json!({"vpc": show(state.create_vpc(request)?)}),
        ))
    })
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| Ok(Answer::ok(json!({"vpc": show(state.vpcs.find(&id)?)}))))
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let description = fields.text("description")?;
    account.change(|state| {
        let vpc = state.vpcs.find_mut(&id)?;
        vpc.description =
            description.ok_or_else(|| Refusal::invalid("`description` is required"))?;
        Ok(Answer::done())
    })
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_vpc(&id))?;
    Ok(Answer::done())
}

async fn attachments(
    State(account): State<Account>,
    Path(id): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        state.vpcs.find(&id)?;
        let attachments = state.attachments(&id);
        Ok(listing.page_of(
            "attachments",
            attachments.iter(),
            |attachment: &Attachment| {
                json!({
                    "id": attachment.owner,
                    "type": attachment.kind,
                    "mac_address": mac(&attachment.nic),
                    "date_added": date(attachment.nic.since),
                    "ip": {"v4": attachment.nic.ip},
                    "linked_subscription": {"type": attachment.kind, "id": attachment.owner},
                })
            },
        ))
    })
}
