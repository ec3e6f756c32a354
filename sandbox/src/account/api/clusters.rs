//! `/kubernetes/clusters`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, date};
use super::fields::Fields;
use super::listing::Listing;
use super::pools;
use crate::account::refusal::Refusal;
use crate::account::service::Account;
use crate::account::state::{
    Block, Cluster, ClusterRequest, LoadBalancer, Oidc, State as Contents,
};

pub(super) fn routes() -> Router<Account> {
    Router::new()
        .route("/kubernetes/clusters", get(list).post(create))
        .route(
            "/kubernetes/clusters/{id}",
            get(show_one).put(update).delete(remove),
        )
        .route(
            "/kubernetes/clusters/{id}/delete-with-linked-resources",
            delete(remove_linked),
        )
        .route("/kubernetes/clusters/{id}/config", get(config))
        .route(
            "/kubernetes/clusters/{id}/available-upgrades",
            get(available_upgrades),
        )
        .route("/kubernetes/clusters/{id}/upgrades", post(upgrade))
        .route("/kubernetes/clusters/{id}/resources", get(resources))
}

fn show(contents: &Contents, cluster: &Cluster) -> Value {
    let subnet = contents
        .vpcs
        .get(&cluster.nic.vpc_id)
        .map_or_else(String::new, crate::account::state::Vpc::cidr);
    let ip = if cluster.active {
        cluster.address.to_string()
    } else {
        "0.0.0.0".to_owned()
    };
    json!({
        "id": cluster.id,
        "label": cluster.label,
        "date_created": date(cluster.created),
        "cluster_subnet": Cluster::CLUSTER_SUBNET,
        "service_subnet": Cluster::SERVICE_SUBNET,
        "ip": ip,
        "endpoint": cluster.endpoint(),
        "version": cluster.version,
        "region": cluster.region,
        "status": if cluster.active { "active" } else { "pending" },
        "ha_controlplanes": cluster.ha_controlplanes,
        "firewall_group_id": cluster.firewall_group_id,
        "oidc": cluster.oidc,
        "node_pools": contents.pools_of(&cluster.id).map(|pool| pools::show(contents, pool)).collect::<Vec<_>>(),
        "vpcs": [{"id": cluster.nic.vpc_id, "subnet": subnet}],
    })
}

async fn list(State(account): State<Account>, listing: Listing) -> Answered {
    Ok(account.work(|state| {
        listing.page(
            "vke_clusters",
            state.clusters.listed(listing.stale),
            |cluster| show(state, cluster),
        )
    }))
}

async fn create(State(account): State<Account>, fields: Fields) -> Answered {
    let pools = fields
        .list("node_pools")?
        .map(Vec::as_slice)
        .unwrap_or_default();
    let request = ClusterRequest {
        label: fields.text("label")?.unwrap_or_default(),
        region: fields.required("region")?,
        version: fields.required("version")?,
        ha_controlplanes: fields.flag("ha_controlplanes")?.unwrap_or(false),
        enable_firewall: fields.flag("enable_firewall")?.unwrap_or(false),
        vpc_id: fields.text("vpc_id")?.filter(|id| !id.is_empty()),
        oidc: oidc(&fields)?.unwrap_or_default(),
        pools: pools
            .iter()
            .map(|pool| pools::read(&Fields::from_value(pool)?))
            .collect::<Result<_, _>>()?,
    };
    account.change(|state| {
        let id = state.create_cluster(request)?.id.clone();
        Ok(Answer::created(
            json!({"vke_cluster": show(state, state.clusters.find(&id)?)}),
        ))
    })
}

fn oidc(fields: &Fields) -> Result<Option<Oidc>, Refusal> {
    let read = |value: &Value| {
        serde_json::from_value(value.clone())
            .map_err(|_| Refusal::invalid("Invalid value for `oidc`"))
    };
    fields.object("oidc")?.map(read).transpose()
}

async fn show_one(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        Ok(Answer::ok(
            json!({"vke_cluster": show(state, state.clusters.find(&id)?)}),
        ))
    })
}

async fn update(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let (label, oidc) = (fields.text("label")?, oidc(&fields)?);
    account.change(|state| {
        let cluster = state.clusters.find_mut(&id)?;
        cluster.label = label.ok_or_else(|| Refusal::invalid("`label` is required"))?;
        cluster.oidc = oidc.unwrap_or_else(|| cluster.oidc.clone());
        Ok(Answer::done())
    })
}

async fn remove(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_cluster(&id, false))?;
    Ok(Answer::done())
}

async fn remove_linked(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.change(|state| state.delete_cluster(&id, true))?;
    Ok(Answer::done())
}

async fn config(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    account.work(|state| {
        let cluster = state.clusters.find(&id)?;
        let kubeconfig = cluster.kubeconfig.as_ref().filter(|_| cluster.active);
        let kubeconfig =
            kubeconfig.ok_or_else(|| Refusal::new(404, "Kubeconfig is not available yet"))?;
        Ok(Answer::ok(
            json!({"kube_config": STANDARD.encode(kubeconfig)}),
        ))
    })
}

async fn available_upgrades(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    let upgrades = account.work(|state| state.available_upgrades(&id))?;
    Ok(Answer::ok(json!({"available_upgrades": upgrades})))
}

async fn upgrade(
    State(account): State<Account>,
    Path(id): Path<String>,
    fields: Fields,
) -> Answered {
    let version = fields.required("upgrade_version")?;
    account.change(|state| state.upgrade_cluster(&id, &version))?;
    Ok(Answer::accepted_empty())
}

async fn resources(State(account): State<Account>, Path(id): Path<String>) -> Answered {
    let block = |block: &Block| {
        json!({
            "id": block.id, "label": block.label, "date_created": date(block.created),
            "status": if block.active { "active" } else { "pending" }, "size_gb": block.size_gb,
        })
    };
    let balancer = |balancer: &LoadBalancer| {
        json!({
            "id": balancer.id, "label": balancer.label, "date_created": date(balancer.created),
            "status": if balancer.active { "active" } else { "pending" },
            "ipv4": if balancer.active { balancer.address.to_string() } else { String::new() }, "nodes": balancer.nodes,
        })
    };
    account.work(|state| {
        state.clusters.find(&id)?;
        let blocks: Vec<Value> = state.blocks_of(&id).map(block).collect();
        let balancers: Vec<Value> = state.load_balancers_of(&id).map(balancer).collect();
        Ok(Answer::ok(
            json!({"resources": {"block_storage": blocks, "load_balancer": balancers}}),
        ))
    })
}
