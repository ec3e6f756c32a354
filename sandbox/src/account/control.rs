//! The sandbox's own controls, `/_sandbox`. They need no key: the server listens on loopback only.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::clock::ClockOrder;
use super::faults::FaultOrder;
use super::refusal::Refusal;
use super::service::Account;
use super::state::Conditions;
use crate::world::{AccountHandle as _, BlockWish, Disturbance, LoadBalancerWish};

/// The routes under `/_sandbox`.
pub(super) fn router(account: Account) -> Router {
    let routes = Router::new()
        .route("/health", get(health))
        .route("/snapshot", get(snapshot))
        .route("/journal", get(journal))
        .route("/journal/newest", get(newest_call))
        .route("/bill", get(bill))
        .route("/clusters/{id}/load-balancers", post(make_load_balancer))
        .route("/clusters/{id}/volumes", post(make_volume))
        .route("/clock", get(clock).post(set_clock))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults));
    Router::new().nest("/_sandbox", routes).with_state(account)
}

fn refused(error: &impl std::fmt::Display) -> Response {
    (
        StatusCode::BAD_REQUEST,
        Json(json!({"error": error.to_string(), "status": 400})),
    )
        .into_response()
}

async fn health(State(account): State<Account>) -> Response {
    let contradictions = account.work(|state| state.contradictions());
    let status = if contradictions.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    (
        status,
        Json(json!({"healthy": contradictions.is_empty(), "contradictions": contradictions})),
    )
        .into_response()
}

async fn snapshot(State(account): State<Account>) -> Response {
    Json(account.work(|state| state.snapshot())).into_response()
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn journal(State(account): State<Account>, Query(Since { since }): Query<Since>) -> Response {
    Json(account.journal().since(since)).into_response()
}

/// The number of the newest call, to count from.
async fn newest_call(State(account): State<Account>) -> Response {
    Json(json!({"n": account.journal().len()})).into_response()
}

async fn bill(State(account): State<Account>) -> Response {
    Json(account.work(|state| state.bill())).into_response()
}

#[derive(Deserialize)]
struct Wished {
    label: String,
}

/// Plays the cloud controller in a cluster that is a record: a load balancer for a service.
async fn make_load_balancer(
    State(account): State<Account>,
    Path(cluster): Path<String>,
    Json(wished): Json<Wished>,
) -> Response {
    let wish = LoadBalancerWish {
        label: wished.label,
        nodes: 1,
        ports: Vec::new(),
        instances: Vec::new(),
    };
    match account.create_load_balancer(&cluster, wish).await {
        Ok(made) => (StatusCode::CREATED, Json(json!({"id": made.id}))).into_response(),
        Err(error) => refused(&error),
    }
}

/// Plays the CSI driver in a cluster that is a record: a volume for a claim.
async fn make_volume(
    State(account): State<Account>,
    Path(cluster): Path<String>,
    Json(wished): Json<Wished>,
) -> Response {
    let wish = BlockWish {
        label: wished.label,
        size_gb: 10,
        block_type: "high_perf".to_owned(),
    };
    match account.create_block(&cluster, wish).await {
        Ok(made) => (StatusCode::CREATED, Json(json!({"id": made.id}))).into_response(),
        Err(error) => refused(&error),
    }
}

async fn clock(State(account): State<Account>) -> Response {
    Json(account.clock().view()).into_response()
}

async fn set_clock(State(account): State<Account>, Json(order): Json<Value>) -> Response {
    let order: ClockOrder = match serde_json::from_value(order) {
        Ok(order) => order,
        Err(error) => return refused(&error),
    };
    if let Err(error) = account.clock().obey(&order) {
        return refused(&error);
    }
    account.clock_was_set();
    Json(account.clock().view()).into_response()
}

async fn faults(State(account): State<Account>) -> Response {
    let conditions = account.work(|state| state.conditions.clone());
    let sold_out: Vec<Value> = conditions
        .sold_out
        .iter()
        .map(|(plan, regions)| json!({"plan": plan, "regions": regions}))
        .collect();
    Json(json!({
        "rules": account.rules().views(),
        "sold_out": sold_out,
        "withdrawn": conditions.withdrawn,
        "cluster_stuck": conditions.cluster_stuck,
        "upgrade_stuck": conditions.upgrade_stuck,
        "stale_attach": conditions.stale_attach,
        "vpc_in_use": conditions.vpc_in_use,
        "slow_release_s": conditions.slow_release_s,
        "instance_quota": conditions.instance_quota,
        "sshd_down": conditions.sshd_down,
        "rate_limit": account.rate().most(),
    }))
    .into_response()
}

async fn add_fault(State(account): State<Account>, Json(order): Json<Value>) -> Response {
    let order: FaultOrder = match serde_json::from_value(order) {
        Ok(order) => order,
        Err(error) => return refused(&error),
    };
    let rule = match order.rule() {
        Ok(rule) => rule,
        Err(error) => return refused(&error),
    };
    let id = rule.map(|rule| account.rules().add(rule, order.seed.unwrap_or_default()));
    if let Some(most) = order.rate_limit {
        account.rate().set(most);
    }
    account.work(|state| {
        set_conditions(&mut state.conditions, &order);
        if let Some(second_form) = order.instance_unknown_400 {
            let refusal = second_form.then(|| Refusal::invalid("invalid instance ID"));
            state.instances.answer_unknown_with(refusal);
        }
        if let Some(host) = &order.instance {
            for disturbance in host.disturbances() {
                state.disturb_instances(host.pattern(), disturbance);
            }
        }
    });
    (StatusCode::CREATED, Json(json!({"id": id}))).into_response()
}

fn set_conditions(conditions: &mut Conditions, order: &FaultOrder) {
    for plan in order.sold_out.iter().flatten() {
        let regions = conditions.sold_out.entry(plan.clone()).or_default();
        match &order.region {
            Some(region) => regions.insert(region.clone()),
            None => std::mem::take(regions).is_empty(),
        };
    }
    conditions
        .withdrawn
        .extend(order.withdrawn.iter().flatten().cloned());
    conditions.cluster_stuck = order.cluster_stuck.unwrap_or(conditions.cluster_stuck);
    conditions.upgrade_stuck = order.upgrade_stuck.unwrap_or(conditions.upgrade_stuck);
    conditions.stale_attach = order.stale_attach.unwrap_or(conditions.stale_attach);
    conditions.vpc_in_use = order.vpc_in_use.unwrap_or(conditions.vpc_in_use);
    conditions.slow_release_s = order.slow_release_s.unwrap_or(conditions.slow_release_s);
    conditions.instance_quota = order.instance_quota.or(conditions.instance_quota);
    let down = order
        .instance
        .iter()
        .filter(|host| host.sshd_down)
        .map(|host| host.pattern().to_owned());
    conditions.sshd_down.extend(down);
}

#[derive(Deserialize)]
struct Which {
    id: Option<u64>,
}

/// One rule by its number, or everything: rules, circumstances, misbehaving hosts. The rate limit goes back to its start value.
async fn clear_faults(
    State(account): State<Account>,
    Query(Which { id }): Query<Which>,
) -> Response {
    if let Some(id) = id {
        let removed = account.rules().remove(id);
        return if removed {
            StatusCode::NO_CONTENT.into_response()
        } else {
            refused(&format!("SLW-924: there is no fault {id}"))
        };
    }
    account.rules().clear();
    let most = account.options().rate_limit;
    account.rate().set(most);
    account.work(|state| {
        for pattern in std::mem::take(&mut state.conditions).sshd_down {
            state.disturb_instances(&pattern, Disturbance::SshdUp);
        }
        state.forget_stale_attachments();
        state.instances.answer_unknown_with(None);
    });
    account.clock_was_set();
    StatusCode::NO_CONTENT.into_response()
}
