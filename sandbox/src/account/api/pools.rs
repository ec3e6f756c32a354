//! `/kubernetes/clusters/{id}/node-pools`.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date};
use super::fields::Fields;
use super::listing::Listing;
use crate::account::refusal::Refusal;
use crate::account::service::Account;
use crate::account::state::{
    Instance, Pool, PoolChange, PoolLabel, PoolRequest, PoolTaint, State as Contents,
};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route(
            "/kubernetes/clusters/{id}/node-pools",
            get(list).post(create),
        )
        .route(
            "/kubernetes/clusters/{id}/node-pools/{pool}",
            get(show_one).patch(update).delete(remove),
        )
        .route(
            "/kubernetes/clusters/{id}/node-pools/{pool}/nodes",
            get(nodes),
        )
        .route(
            "/kubernetes/clusters/{id}/node-pools/{pool}/nodes/{node}",
            delete(remove_node),
        )
        .route(
            "/kubernetes/clusters/{id}/node-pools/{pool}/nodes/{node}/recycle",
            post(recycle),
        )
        .route(
            "/kubernetes/clusters/{id}/node-pools/{pool}/labels",
            get(labels).post(add_label),
        )
        .route(
            "/kubernetes/clusters/{id}/node-pools/{pool}/labels/{label}",
            get(label).delete(remove_label),
        )
        .route(
            "/kubernetes/clusters/{id}/node-pools/{pool}/taints",
            get(taints).post(add_taint),
        )
        .route(
            "/kubernetes/clusters/{id}/node-pools/{pool}/taints/{taint}",
            get(taint).delete(remove_taint),
        )
}

/// A pool with its nodes.
pub(super) fn show(contents: &Contents, pool: &Pool) -> Value {
    let nodes = contents.nodes_of(&pool.id);
    let nodes: Vec<Value> = nodes
        .iter()
        .filter_map(|id| contents.instances.get(id))
        .map(show_node)
        .collect();
    let labels: BTreeMap<&str, &str> = pool
        .labels
        .iter()
        .map(|label| (label.key.as_str(), label.value.as_str()))
        .collect();
    let taints: Vec<_> = pool.taints.iter().map(|taint| &taint.taint).collect();
    json!({
        "id": pool.id,
        "date_created": date(pool.created),
        "date_updated": date(pool.updated),
        "label": pool.label,
        "tag": pool.tag,
        "plan": pool.plan,
        "status": if contents.pool_is_active(&pool.id) { "active" } else { "pending" },
        "node_quantity": pool.quantity,
        "min_nodes": pool.min_nodes,
        "max_nodes": pool.max_nodes,
        "auto_scaler": pool.auto_scaler,
        "vpc_only": pool.vpc_only,
        "user_data": pool.user_data,
        "labels": labels,
        "taints": taints,
        "nodes": nodes,
    })
}

fn show_node(node: &Instance) -> Value {
    json!({
        "id": node.id,
        "label": node.label,
        "date_created": date(node.created),
        "ip": node.public_address().map_or_else(|| "0.0.0.0".to_owned(), |address| address.to_string()),
        "private_ip": node.nics.first().map_or_else(String::new, |nic| nic.ip.to_string()),
        "status": if node.active { "active" } else { "pending" },
    })
}

fn show_label(label: &PoolLabel) -> Value {
    json!({"id": label.id, "key": label.key, "value": label.value})
}

fn show_taint(taint: &PoolTaint) -> Value {
    json!({"id": taint.id, "key": taint.taint.key, "value": taint.taint.value, "effect": taint.taint.effect})
}

/// A pool as a request describes it.
pub(super) fn read(fields: &Fields) -> Result<PoolRequest, Refusal> {
    Ok(PoolRequest {
        label: fields.required("label")?,
        plan: fields.required("plan")?,
        quantity: fields.count("node_quantity")?.unwrap_or(0),
        min_nodes: fields.count("min_nodes")?.unwrap_or(1),
        max_nodes: fields.count("max_nodes")?.unwrap_or(1),
        auto_scaler: fields.flag("auto_scaler")?.unwrap_or(false),
        tag: fields.text("tag")?.unwrap_or_default(),
        vpc_only: fields.flag("vpc_only")?.unwrap_or(false),
        user_data: fields.text("user_data")?.unwrap_or_default(),
        labels: fields.map("labels")?.unwrap_or_default(),
        taints: fields.taints("taints")?.unwrap_or_default(),
    })
}

async fn list(
    State(account): State<Account>,
    Path(id): Path<String>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        state.clusters.find(&id)?;
        let pools = state
            .pools
            .listed(listing.stale)
            .filter(|(_, pool)| pool.cluster_id == id);
        Ok(listing.page("node_pools", pools, |pool| show(state, pool)))
    })
}

async fn create(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    account.change(|state| {
        state.clusters.find(&id)?;
        let pool = state.create_pool(&id, read(&fields)?)?.id.clone();
        Ok(Answer::created(
            json!({"node_pool": show(state, state.pools.find(&pool)?)}),
        ))
    })
}

async fn show_one(
    State(account): State<Account>,
    Path((id, pool)): Path<(String, String)>,
) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"node_pool": show(state, state.pool_of(&id, &pool)?)}),
        ))
    })
}

async fn update(
    State(account): State<Account>,
    Path((id, pool)): Path<(String, String)>,
    fields: Fields,
) -> Answered {
    let change = PoolChange {
        quantity: fields.count("node_quantity")?,
        min_nodes: fields.count("min_nodes")?,
        max_nodes: fields.count("max_nodes")?,
        auto_scaler: fields.flag("auto_scaler")?,
        tag: fields.text("tag")?,
        user_data: fields.text("user_data")?,
        labels: fields.map("labels")?,
        taints: fields.taints("taints")?,
    };
    account.change(|state| {
        state.change_pool(&id, &pool, change)?;
        Ok(Answer::accepted(
            json!({"node_pool": show(state, state.pools.find(&pool)?)}),
        ))
    })
}

async fn remove(
    State(account): State<Account>,
    Path((id, pool)): Path<(String, String)>,
) -> Answered {
    account.change(|state| state.delete_pool(&id, &pool))?;
    Ok(Answer::done())
}

async fn nodes(
    State(account): State<Account>,
    Path((id, pool)): Path<(String, String)>,
    listing: Listing,
) -> Answered {
    account.work(|state| {
        state.pool_of(&id, &pool)?;
        let of_pool = |instance: &Instance| {
            instance
                .node
                .as_ref()
                .is_some_and(|node| node.pool_id == pool)
        };
        let nodes = state
            .instances
            .listed(listing.stale)
            .filter(|(_, instance)| of_pool(instance));
        Ok(listing.page("worker_nodes", nodes, show_node))
    })
}

async fn remove_node(
    State(account): State<Account>,
    Path((id, pool, node)): Path<(String, String, String)>,
) -> Answered {
    account.change(|state| state.delete_node(&id, &pool, &node))?;
    Ok(Answer::done())
}

async fn recycle(
    State(account): State<Account>,
    Path((id, pool, node)): Path<(String, String, String)>,
) -> Answered {
    account.change(|state| state.recycle_node(&id, &pool, &node))?;
    Ok(Answer::done())
}

async fn labels(
    State(account): State<Account>,
    Path((id, pool)): Path<(String, String)>,
) -> Answered {
    account.work(|state| {
        let labels: Vec<Value> = state
            .pool_of(&id, &pool)?
            .labels
            .iter()
            .map(show_label)
            .collect();
        Ok(Answer::ok(json!({"labels": labels})))
    })
}

async fn add_label(
    State(account): State<Account>,
    Path((id, pool)): Path<(String, String)>,
    fields: Fields,
) -> Answered {
    let (key, value) = (
        fields.required("key")?,
        fields.text("value")?.unwrap_or_default(),
    );
    let label = account.change(|state| state.add_pool_label(&id, &pool, key, value))?;
    Ok(Answer::created(json!({"label": show_label(&label)})))
}

async fn label(
    State(account): State<Account>,
    Path((id, pool, label)): Path<(String, String, String)>,
) -> Answered {
    account.work(|state| {
        let found = state.pool_of(&id, &pool)?.labels.iter().find(|known| known.id == label);
        Ok(Answer::ok(json!({"label": show_label(found.ok_or_else(|| Refusal::new(404, "Invalid label ID"))?)})))
    })
}

async fn remove_label(
    State(account): State<Account>,
    Path((id, pool, label)): Path<(String, String, String)>,
) -> Answered {
    account.change(|state| state.delete_pool_label(&id, &pool, &label))?;
    Ok(Answer::done())
}

async fn taints(
    State(account): State<Account>,
    Path((id, pool)): Path<(String, String)>,
) -> Answered {
    account.work(|state| {
        let taints: Vec<Value> = state
            .pool_of(&id, &pool)?
            .taints
            .iter()
            .map(show_taint)
            .collect();
        Ok(Answer::ok(json!({"taints": taints})))
    })
}

async fn add_taint(
    State(account): State<Account>,
    Path((id, pool)): Path<(String, String)>,
    fields: Fields,
) -> Answered {
    let taint = fields.taint()?;
    let taint = account.change(|state| state.add_pool_taint(&id, &pool, taint))?;
    Ok(Answer::created(json!({"taint": show_taint(&taint)})))
}

async fn taint(
    State(account): State<Account>,
    Path((id, pool, taint)): Path<(String, String, String)>,
) -> Answered {
    account.work(|state| {
        let found = state.pool_of(&id, &pool)?.taints.iter().find(|known| known.id == taint);
        Ok(Answer::ok(json!({"taint": show_taint(found.ok_or_else(|| Refusal::new(404, "Invalid taint ID"))?)})))
    })
}

async fn remove_taint(
    State(account): State<Account>,
    Path((id, pool, taint)): Path<(String, String, String)>,
) -> Answered {
    account.change(|state| state.delete_pool_taint(&id, &pool, &taint))?;
    Ok(Answer::done())
}
