//! Waits for what the account does behind its answers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Reply, Server, error, page, vpc};

const DEADLINE: Duration = Duration::from_secs(5);

fn pool(status: &str, nodes: &[&str]) -> Value {
    let nodes: Vec<Value> = nodes
        .iter()
        .map(|status| json!({"id": "n", "label": "p-1", "date_created": "", "status": status}))
        .collect();
    json!({
        "id": "p", "date_created": "2026-07-07T22:57:01+00:00", "label": "p", "plan": "vc2-2c-4gb",
        "status": status, "node_quantity": 2, "min_nodes": 1, "max_nodes": 3, "auto_scaler": true, "nodes": nodes,
    })
}

fn cluster(status: &str) -> Reply {
    Reply::Json(
        200,
        json!({"vke_cluster": {
            "id": "c", "label": "slipway:acme", "date_created": "2026-07-07T22:57:01+00:00", "cluster_subnet": "",
            "service_subnet": "", "ip": "0.0.0.0", "endpoint": "", "version": "v1.36.5+1", "region": "ams",
            "status": status, "ha_controlplanes": false, "node_pools": [],
        }}),
    )
}

#[tokio::test]
async fn a_cluster_is_active_when_it_hands_out_its_kubeconfig() {
    let server = Server::start(|seen| match (seen.n, seen.line.as_str()) {
        (0, "GET /v2/kubernetes/clusters/c") => error(404, "Invalid resource ID"),
        (1, "GET /v2/kubernetes/clusters/c") => cluster("pending"),
        (_, "GET /v2/kubernetes/clusters/c") => cluster("active"),
        (3, _) => error(404, "Invalid resource ID"),
        (5, _) => Reply::Json(200, json!({"kube_config": ""})),
        _ => Reply::Json(200, json!({"kube_config": "YXBpVmVyc2lvbjogdjEK"})),
    })
    .await;
    let client = server.client();
    client
        .cluster_active("c", &client.wait(DEADLINE))
        .await
        .unwrap();
    assert_eq!(server.seen().len(), 8);
}

#[tokio::test]
async fn a_pool_is_active_with_all_its_nodes() {
    let server = Server::start(|seen| {
        let pool = match seen.n {
            0 => pool("pending", &[]),
            1 => pool("active", &["active", "pending"]),
            _ => pool("active", &["active", "active"]),
        };
        Reply::Json(200, json!({"node_pool": pool}))
    })
    .await;
    let client = server.client();
    client
        .node_pool_active("c", "p", &client.wait(DEADLINE))
        .await
        .unwrap();
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_network_is_deleted_when_nothing_holds_it() {
    let server = Server::start(|seen| match (seen.n, seen.line.as_str()) {
        (0, "GET /v2/vpcs/v/attachments?per_page=500") => {
            page("attachments", &[json!({"id": "1", "type": "vps"})], 1, "")
        }
        (_, "GET /v2/vpcs/v/attachments?per_page=500") => page("attachments", &[], 0, ""),
        (2, "DELETE /v2/vpcs/v") => error(400, "VPC is attached to 10.0.0.3"),
        (4, "DELETE /v2/vpcs/v") => Reply::Empty(204),
        (5, "GET /v2/vpcs/v") => Reply::Json(200, json!({"vpc": vpc("v", "")})),
        (_, "DELETE /v2/vpcs/v" | "GET /v2/vpcs/v") => error(404, "Invalid VPC ID"),
        other => panic!("{other:?}"),
    })
    .await;
    let client = server.client();
    client
        .delete_vpc_when_free("v", &client.wait(DEADLINE))
        .await
        .unwrap();
    assert_eq!(server.lines().pop().unwrap(), "GET /v2/vpcs/v");
    assert_eq!(server.seen().len(), 9);
}

#[tokio::test]
async fn a_passed_deadline_names_the_holders() {
    let server =
        Server::start(|_| page("attachments", &[json!({"id": "1", "type": "vps"})], 1, "")).await;
    let client = server.client();
    let failed = client
        .delete_vpc_when_free("v", &client.wait(Duration::from_millis(50)))
        .await
        .unwrap_err();
    assert_eq!(failed.code(), "SLW-214");
    assert!(
        failed.to_string().contains("last seen held by vps 1"),
        "{failed}"
    );
}

#[tokio::test]
async fn a_locked_server_is_deleted_when_it_is_free() {
    let server = Server::start(|seen| match seen.n {
        0 => error(
            500,
            "Unable to destroy server: Unable to remove VM: Server is currently locked",
        ),
        1 => Reply::Empty(204),
        _ => error(404, "instance not found"),
    })
    .await;
    let client = server.client();
    client
        .delete_instance_for_good("i", &client.wait(DEADLINE))
        .await
        .unwrap();
    assert_eq!(
        server.lines(),
        [
            "DELETE /v2/instances/i",
            "DELETE /v2/instances/i",
            "GET /v2/instances/i"
        ]
    );
}
