//! Who holds a network, and for how long.

use serde_json::json;

use crate::cloud::{Cloud, cluster_wish, instance_wish};

#[tokio::test]
async fn a_network_stays_busy_until_the_last_deleted_thing_has_let_go() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    let (cluster, _) = cloud.cluster(&vpc).await;
    let path = format!("/vpcs/{vpc}");
    let attachments = format!("{path}/attachments");
    let held = cloud.get(&attachments).await;
    assert_eq!(held["meta"]["total"], 3, "the control plane and two nodes");
    let busy = cloud.call("DELETE", &path, None).await;
    let (status, words) = busy.refusal();
    assert_eq!(status, 400);
    assert!(words.contains("attached to this VPC network"), "{words}");

    cloud
        .delete(&format!("/kubernetes/clusters/{cluster}"))
        .await;
    assert_eq!(
        cloud.get(&attachments).await["meta"]["total"],
        3,
        "still being released"
    );
    assert_eq!(cloud.call("DELETE", &path, None).await.status, 400);
    cloud.advance(180).await;
    assert_eq!(cloud.get(&attachments).await["meta"]["total"], 0);
    cloud.delete(&path).await;
    assert_eq!(
        cloud.call("GET", &path, None).await.refusal(),
        (404, "Invalid VPC ID")
    );
    cloud.check().await;
}

#[tokio::test]
async fn an_instance_joins_and_leaves_networks_of_its_region() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    let elsewhere = cloud.post("/vpcs", json!({"region": "fra"})).await["vpc"]["id"].clone();
    let mut wish = instance_wish("host");
    wish["attach_vpc"] = json!([vpc]);
    let made = cloud.post("/instances", wish).await["instance"].clone();
    assert_eq!(made["internal_ip"], "10.20.0.3");
    let id = made["id"].as_str().unwrap();
    let listed = cloud.get(&format!("/instances/{id}/vpcs")).await;
    assert_eq!(listed["vpcs"][0]["id"], json!(vpc));
    let refused = cloud
        .call(
            "POST",
            &format!("/instances/{id}/vpcs/attach"),
            Some(json!({"vpc_id": elsewhere})),
        )
        .await;
    assert_eq!(refused.refusal().0, 400);
    let detached = cloud
        .call(
            "POST",
            &format!("/instances/{id}/vpcs/detach"),
            Some(json!({"vpc_id": vpc})),
        )
        .await;
    assert_eq!(detached.status, 204);
    cloud.delete(&format!("/vpcs/{vpc}")).await;
    cloud.check().await;
}

#[tokio::test]
async fn a_full_network_refuses_and_a_refused_call_leaves_nothing() {
    let cloud = Cloud::open().await;
    let small = json!({"region": "ams", "v4_subnet": "10.1.0.0", "v4_subnet_mask": 29});
    let vpc = cloud.post("/vpcs", small).await["vpc"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut wish = cluster_wish(&vpc);
    wish["node_pools"][0]["node_quantity"] = json!(4);
    let refused = cloud
        .call("POST", "/kubernetes/clusters", Some(wish.clone()))
        .await;
    assert_eq!(refused.refusal().0, 400);
    // Without a network of its own the vendor makes one: it must not stay behind when the call is refused.
    wish["vpc_id"] = json!("");
    wish["node_pools"][0]["node_quantity"] = json!(4_000_000_000_u32);
    assert_eq!(
        cloud
            .call("POST", "/kubernetes/clusters", Some(wish))
            .await
            .status,
        400
    );
    assert_eq!(cloud.ids("/vpcs", "vpcs").await, [vpc]);
    assert_eq!(cloud.get("/kubernetes/clusters").await["meta"]["total"], 0);
    cloud.check().await;
}

#[tokio::test]
async fn released_slowly_means_held_for_longer() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    let mut wish = instance_wish("host");
    wish["attach_vpc"] = json!([vpc]);
    let id = cloud.post("/instances", wish).await["instance"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    cloud.fault(json!({"slow_release_s": 600})).await;
    cloud.delete(&format!("/instances/{id}")).await;
    cloud.advance(629).await;
    assert_eq!(
        cloud
            .call("DELETE", &format!("/vpcs/{vpc}"), None)
            .await
            .status,
        400
    );
    cloud.advance(1).await;
    cloud.delete(&format!("/vpcs/{vpc}")).await;
}
