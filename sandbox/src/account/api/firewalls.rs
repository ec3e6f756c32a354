//! `/firewalls`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::service::Account;
use crate::account::state::{FirewallGroup, FirewallRule, MOST_RULES, State as Contents};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/firewalls", get(list).post(create))
        .route("/firewalls/{id}", get(show_one).put(update).delete(remove))
        .route("/firewalls/{id}/rules", get(rules).post(add_rule))
        .route(
            "/firewalls/{id}/rules/{rule}",
            get(rule).delete(remove_rule),
        )
}

fn show(contents: &Contents, group: &FirewallGroup) -> Value {
    let instances = contents
        .instances
        .iter()
        .filter(|instance| instance.firewall_group_id == group.id)
        .count();
    json!({
        "id": group.id,
        "description": group.description,
        "date_created": date(group.created),
        "date_modified": date(group.modified),
        "instance_count": instances,
        "rule_count": group.rules.len(),
        "max_rule_count": MOST_RULES,
    })
}

fn show_rule(rule: &FirewallRule) -> Value {
    json!({
        "id": rule.id,
        "action": "accept",
        "ip_type": rule.ip_type,
        "type": rule.ip_type,
        "protocol": rule.protocol,
        "port": rule.port,
        "subnet": rule.subnet,
        "subnet_size": rule.subnet_size,
        "source": rule.source,
        "notes": rule.notes,
    })
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| {
        let groups = state.firewalls.listed(listing.stale);
        listing.page("firewall_groups", groups, |group| show(state, group))
    }))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let description = fields.text("description")?.unwrap_or_default();
    account.change(|state| {
        let id = state.create_firewall(description, None);
        Ok(Answer::created(
            json!({"firewall_group": show(state, state.firewalls.find(&id)?)}),
        ))
    })
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"firewall_group": show(state, state.firewalls.find(&id)?)}),
        ))
    })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let description = fields.text("description")?.unwrap_or_default();
    account.change(|state| {
        let now = state.now;
        let group = state.firewalls.find_mut(&id)?;
        (group.description, group.modified) = (description, now);
        Ok(Answer::done())
    })
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_firewall(&id))?;
    Ok(Answer::done())
}

async fn rules(
    State(account): State<Account>,
    Path(id): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        let rules = state.firewalls.find(&id)?.rules.iter();
        Ok(listing.page_of("firewall_rules", rules, show_rule))
    })
}

async fn add_rule(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let rule = FirewallRule {
        id: 0,
        ip_type: fields.required("ip_type")?,
        // Either case comes in; the vendor answers in lower case.
        protocol: fields.required("protocol")?.to_lowercase(),
        subnet: fields.required("subnet")?,
        subnet_size: fields.count("subnet_size")?.unwrap_or_default(),
        port: fields.text("port")?.unwrap_or_default(),
        source: fields.text("source")?.unwrap_or_default(),
        notes: fields.text("notes")?.unwrap_or_default(),
    };
    account.change(|state| {
        let made = state.add_firewall_rule(&id, rule)?;
        Ok(Answer::created(json!({"firewall_rule": show_rule(&made)})))
    })
}

async fn rule(
    State(account): State<Account>,
    Path((id, rule)): Path<(String, String)>,
) -> Answered {
    account.work(|state| {
        let rule = state.firewall_rule(&id, &rule)?;
        Ok(Answer::ok(json!({"firewall_rule": show_rule(rule)})))
    })
}

async fn remove_rule(
    State(account): State<Account>,
    Path((id, rule)): Path<(String, String)>,
) -> Answered {
    account.change(|state| state.delete_firewall_rule(&id, &rule))?;
    Ok(Answer::done())
}
