//! Listings are complete or an error.

use serde_json::{Value, json};

use crate::server::{Reply, Server, error, page, vpc};

fn vpcs(range: std::ops::Range<usize>) -> Vec<Value> {
    range.map(|n| vpc(&format!("v{n}"), "other")).collect()
}

#[tokio::test]
async fn every_page_is_read_at_500_objects_a_page() {
    let server = Server::start(|seen| match seen.line.as_str() {
        "GET /v2/vpcs?per_page=500" => page("vpcs", &vpcs(0..500), 1001, "bmV4dF9f+/=="),
        "GET /v2/vpcs?per_page=500&cursor=bmV4dF9f%2B%2F%3D%3D" => {
            page("vpcs", &vpcs(500..1000), 1001, "c2")
        }
        "GET /v2/vpcs?per_page=500&cursor=c2" => page("vpcs", &vpcs(1000..1001), 1001, ""),
        other => panic!("{other}"),
    })
    .await;
    let found = server.client().vpcs().await.unwrap();
    assert_eq!(found.len(), 1001);
    assert_eq!(found[1000].id, "v1000");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_listing() {
    let server = Server::start(|seen| match seen.line.as_str() {
        "GET /v2/vpcs?per_page=500" => page("vpcs", &vpcs(0..500), 501, "c1"),
        _ => error(500, "Internal server error."),
    })
    .await;
    let failed = server.client().vpcs().await.unwrap_err();
    assert_eq!(failed.code(), "SLW-207");
    assert_eq!(
        server.seen().len(),
        1 + 3,
        "the failing page is tried three times"
    );
}

#[tokio::test]
async fn a_page_that_fails_once_is_read_again_alone() {
    let server = Server::start(|seen| match seen.n {
        0 => page("vpcs", &vpcs(0..2), 3, "c1"),
        1 => Reply::Cut(200, r#"{"vpcs":[{"id":"v2""#),
        2 => page("vpcs", &vpcs(2..3), 3, ""),
        _ => panic!(),
    })
    .await;
    assert_eq!(server.client().vpcs().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_listing_shorter_than_its_total_is_begun_anew_and_then_an_error() {
    let server = Server::start(|seen| match seen.n {
        0 => page("vpcs", &vpcs(0..1), 2, ""),
        _ => page("vpcs", &vpcs(0..2), 2, ""),
    })
    .await;
    assert_eq!(server.client().vpcs().await.unwrap().len(), 2);

    let server = Server::start(|_| page("vpcs", &vpcs(0..1), 2, "")).await;
    let failed = server.client().vpcs().await.unwrap_err();
    assert_eq!(failed.code(), "SLW-212");
    assert!(failed.to_string().contains("1 of 2 objects"), "{failed}");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_are_an_error() {
    let server = Server::start(|_| page("vpcs", &vpcs(0..1), 9, "c1")).await;
    let failed = server.client().vpcs().await.unwrap_err();
    assert_eq!(failed.code(), "SLW-212");
}

#[tokio::test]
async fn a_listing_without_meta_or_with_a_hollow_object_is_an_error_that_names_it() {
    let server = Server::start(|seen| match seen.n {
        0 => Reply::Json(200, json!({"vpcs": []})),
        _ => page("vpcs", &[vpc("v1", ""), json!({"id": "v2"})], 2, ""),
    })
    .await;
    let client = server.client();
    let failed = client.vpcs().await.unwrap_err();
    assert!(
        failed.to_string().contains("missing field `meta`"),
        "{failed}"
    );
    let failed = client.vpcs().await.unwrap_err();
    assert_eq!(
        failed.to_string().split(" at line").next().unwrap(),
        "SLW-210: the answer to GET /v2/vpcs cannot be read at `vpcs[1]`: missing field `region`"
    );
}

#[tokio::test]
async fn the_children_of_an_absent_parent_are_absent() {
    let server = Server::start(|_| error(404, "Invalid resource ID")).await;
    let client = server.client();
    assert!(client.node_pools("c").await.unwrap().is_none());
    assert!(client.node_pool("c", "p").await.unwrap().is_none());
    assert!(client.nodes("c", "p").await.unwrap().is_none());
    assert!(client.pool_labels("c", "p").await.unwrap().is_none());
    assert!(client.pool_taints("c", "p").await.unwrap().is_none());
    assert!(client.linked_resources("c").await.unwrap().is_none());
    assert!(client.available_upgrades("c").await.unwrap().is_none());
    assert!(client.kubeconfig("c").await.unwrap().is_none());
    assert!(client.vpc_attachments("v").await.unwrap().is_none());
}
