//! What is gone is deleted and what holds was changed, whatever the answer said.

use serde_json::json;

use crate::server::{Reply, Server, error, vpc};

#[tokio::test]
async fn an_absent_object_is_deleted() {
    let server = Server::start(|_| error(404, "Invalid VPC ID")).await;
    server.client().delete_vpc("v1").await.unwrap();
    assert_eq!(server.lines(), ["DELETE /v2/vpcs/v1"]);
}

#[tokio::test]
async fn a_deletion_that_failed_and_worked_has_worked() {
    for trouble in [|| error(500, "Internal server error."), || Reply::Silence] {
        let server = Server::start(move |seen| {
            if seen.line.starts_with("DELETE") {
                trouble()
            } else {
                error(404, "Invalid resource ID")
            }
        })
        .await;
        server.client().delete_cluster("c1").await.unwrap();
        assert_eq!(
            server.lines().pop().unwrap(),
            "GET /v2/kubernetes/clusters/c1"
        );
    }
}

#[tokio::test]
async fn a_deletion_that_failed_is_an_error_while_the_object_lives() {
    let server = Server::start(|seen| {
        if seen.line.starts_with("DELETE") {
            error(500, "Internal server error.")
        } else {
            Reply::Json(200, json!({"vpc": vpc("v1", "")}))
        }
    })
    .await;
    let failed = server.client().delete_vpc("v1").await.unwrap_err();
    assert_eq!(failed.code(), "SLW-207");
    assert!(
        failed.to_string().contains("DELETE /v2/vpcs/v1"),
        "{failed}"
    );
}

#[tokio::test]
async fn an_unreadable_object_is_not_taken_for_absent() {
    let server = Server::start(|seen| {
        if seen.line.starts_with("DELETE") {
            error(500, "Internal server error.")
        } else {
            error(401, "Unauthorized IP address: 203.0.113.7")
        }
    })
    .await;
    assert!(server.client().delete_vpc("v1").await.is_err());
}

#[tokio::test]
async fn a_change_that_failed_and_holds_has_worked() {
    let server = Server::start(|seen| {
        if seen.line.starts_with("PUT") {
            error(500, "Internal server error.")
        } else {
            Reply::Json(200, json!({"vpc": vpc("v1", "slipway:acme")}))
        }
    })
    .await;
    let client = server.client();
    client
        .update_vpc_description("v1", "slipway:acme")
        .await
        .unwrap();
    let failed = client
        .update_vpc_description("v1", "slipway:other")
        .await
        .unwrap_err();
    assert_eq!(failed.code(), "SLW-207");
}

#[tokio::test]
async fn a_change_of_an_absent_object_says_so() {
    let server = Server::start(|_| error(404, "Invalid VPC ID")).await;
    let failed = server
        .client()
        .update_vpc_description("v1", "x")
        .await
        .unwrap_err();
    assert!(failed.is_not_found());
}

#[tokio::test]
async fn a_locked_server_is_busy_and_not_an_outage() {
    let text = "Unable to destroy server: Unable to remove VM: Server is currently locked";
    let server = Server::start(move |_| error(500, text)).await;
    let failed = server.client().delete_instance("i1").await.unwrap_err();
    assert!(failed.is_busy() && !failed.is_transient(), "{failed}");
    assert_eq!(server.lines(), ["DELETE /v2/instances/i1"]);
}

#[tokio::test]
async fn a_pool_is_read_again_after_a_lost_change() {
    let server = Server::start(|seen| {
        if seen.line.starts_with("PATCH") {
            return Reply::Silence;
        }
        Reply::Json(
            200,
            json!({"node_pool": {
                "id": "p", "date_created": "2026-07-07T22:57:01+00:00", "label": "p", "plan": "vc2-2c-4gb",
                "status": "active", "node_quantity": 2, "min_nodes": 1, "max_nodes": 4, "auto_scaler": true, "nodes": [],
            }}),
        )
    })
    .await;
    let client = server.client();
    let change = |max| vultr::UpdateNodePool {
        max_nodes: Some(max),
        ..vultr::UpdateNodePool::default()
    };
    client.update_node_pool("c", "p", &change(4)).await.unwrap();
    let failed = client
        .update_node_pool("c", "p", &change(5))
        .await
        .unwrap_err();
    assert_eq!(failed.code(), "SLW-208");
}
