//! Exact statuses and words, because clients match on them.

use serde_json::{Value, json};

use crate::cloud::{Cloud, cluster_wish, instance_wish};

#[tokio::test]
async fn unknown_ids_get_the_words_that_clients_look_for() {
    let cloud = Cloud::open().await;
    let (cluster, _) = cloud.cluster(&cloud.vpc().await).await;
    for (path, words) in [
        ("/vpcs/x".to_owned(), "Invalid VPC ID"),
        ("/vpcs/x/attachments".to_owned(), "Invalid VPC ID"),
        ("/kubernetes/clusters/x".to_owned(), "Invalid resource ID"),
        (
            "/kubernetes/clusters/x/node-pools/y".to_owned(),
            "Invalid resource ID",
        ),
        (
            format!("/kubernetes/clusters/{cluster}/node-pools/y"),
            "Invalid NodePool ID",
        ),
        ("/instances/x".to_owned(), "instance not found"),
        ("/blocks/x".to_owned(), "Invalid block storage ID"),
        ("/ssh-keys/x".to_owned(), "Invalid ssh key"),
    ] {
        assert_eq!(
            cloud.call("GET", &path, None).await.refusal(),
            (404, words),
            "{path}"
        );
        if !path.ends_with("attachments") {
            assert_eq!(
                cloud.call("DELETE", &path, None).await.refusal(),
                (404, words),
                "{path}"
            );
        }
    }
}

fn changed(mut wish: Value, pointer: &str, value: Value) -> Value {
    *wish.pointer_mut(pointer).expect("a known field") = value;
    wish
}

/// None of these makes anything: path, body and the words of the refusal.
async fn assert_refused(cloud: &Cloud, wishes: &[(&str, Value, &str)]) {
    let before = cloud.get("/_sandbox/snapshot").await;
    for (path, wish, words) in wishes {
        let refused = cloud.call("POST", path, Some(wish.clone())).await;
        assert_eq!(refused.refusal(), (400, *words), "{path} {wish}");
    }
    assert_eq!(cloud.get("/_sandbox/snapshot").await, before);
}

#[tokio::test]
async fn clusters_that_cannot_be_are_refused() {
    let cloud = Cloud::open().await;
    let wish = cluster_wish(&cloud.vpc().await);
    let elsewhere = cloud.post("/vpcs", json!({"region": "fra"})).await["vpc"]["id"].clone();
    let pool = wish["node_pools"][0].clone();
    let no_nodes = "`node_quantity` must be a positive integer.";
    let twice = "Node pool label already exists in this cluster";
    let no_kubernetes = "Kubernetes is not available in the selected region";
    let changes = [
        ("/node_pools", json!([]), "Bad request."),
        ("/node_pools", Value::Null, "Bad request."),
        ("/node_pools", json!([pool, pool]), twice),
        ("/node_pools/0/node_quantity", json!(0), no_nodes),
        (
            "/node_pools/0/plan",
            json!("vc2-1c-1gb"),
            "Invalid plan for a node pool",
        ),
        ("/node_pools/0/plan", json!("none"), "Invalid plan chosen"),
        ("/version", json!("v1.36.1+2"), "Invalid Kubernetes version"),
        ("/region", json!("hnl"), no_kubernetes),
        ("/region", json!("mars"), "Invalid region"),
        ("/vpc_id", elsewhere, "VPC is not in the selected region"),
        ("/vpc_id", json!("x"), "Invalid VPC ID"),
    ];
    let wishes = changes.map(|(field, value, words)| {
        (
            "/kubernetes/clusters",
            changed(wish.clone(), field, value),
            words,
        )
    });
    assert_refused(&cloud, &wishes).await;
}

#[tokio::test]
async fn other_things_that_cannot_be_are_refused() {
    let cloud = Cloud::open().await;
    let host = |field, value| changed(instance_wish("a"), field, value);
    let half_a_subnet = json!({"region": "ams", "v4_subnet": "10.0.0.0"});
    let too_small = json!({"region": "ams", "size_gb": 10, "block_type": "storage_opt"});
    let together = "`v4_subnet` and `v4_subnet_mask` must be given together";
    let no_disk = "One or more block devices are required.";
    let even = "Invalid nodes: an odd number from 1 to 99 is needed";
    let wishes = [
        ("/instances", host("/plan", json!("vx1-m-4c-32g")), no_disk),
        ("/instances", host("/os_id", json!(1)), "Invalid os_id"),
        (
            "/instances",
            host("/region", Value::Null),
            "`region` is required",
        ),
        ("/vpcs", half_a_subnet, together),
        (
            "/ssh-keys",
            json!({"name": "a", "ssh_key": "nonsense"}),
            "Invalid SSH key",
        ),
        (
            "/load-balancers",
            json!({"region": "ams", "nodes": 2}),
            even,
        ),
        ("/blocks", too_small, "Invalid size_gb"),
    ];
    assert_refused(&cloud, &wishes).await;
}

#[tokio::test]
async fn answers_have_the_exact_form_on_the_wire() {
    let cloud = Cloud::open().await;
    let unknown = cloud.send("GET", "/vpcs/x", None).await.unwrap();
    assert_eq!(unknown.headers()["content-type"], "application/json");
    assert_eq!(unknown.headers()["content-length"], "39");
    assert_eq!(
        unknown.text().await.unwrap(),
        r#"{"error":"Invalid VPC ID","status":404}"#
    );

    let refused = cloud.call("PATCH", "/vpcs/x", None).await;
    assert_eq!(
        refused.refusal(),
        (405, "Method not allowed. Must be one of: DELETE, GET, PUT")
    );

    let vpc = cloud.vpc().await;
    let done = cloud
        .send(
            "PUT",
            &format!("/vpcs/{vpc}"),
            Some(json!({"description": "b"})),
        )
        .await
        .unwrap();
    assert_eq!(done.status(), 204);
    assert!(!done.headers().contains_key("content-type"));
    assert_eq!(done.text().await.unwrap(), "");
    let shown = cloud.get(&format!("/vpcs/{vpc}")).await;
    assert_eq!(shown["vpc"]["date_created"], "2026-11-24T12:00:00+00:00");
    assert_eq!(shown["vpc"]["description"], "b");
}

#[tokio::test]
async fn calls_without_the_key_change_nothing() {
    let cloud = Cloud::open().await;
    for header in [None, Some("Bearer wrong"), Some("KEY-OF-THIS-TEST")] {
        let mut request = cloud
            .http
            .post(format!("{}/v2/vpcs", cloud.url))
            .json(&json!({"region": "ams"}));
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(
            answer.text().await.unwrap(),
            r#"{"error":"Invalid API token.","status":401}"#
        );
    }
    assert_eq!(cloud.get("/vpcs").await["meta"]["total"], 0);
}

#[tokio::test]
async fn odd_bodies_are_read_as_leniently_as_the_vendor_does() {
    let cloud = Cloud::open().await;
    let lenient = json!({"region": "ams", "description": [], "v4_subnet": "", "v4_subnet_mask": 0});
    assert_eq!(cloud.call("POST", "/vpcs", Some(lenient)).await.status, 201);
    for body in [json!([]), json!(null), json!({})] {
        assert_eq!(
            cloud.call("POST", "/vpcs", Some(body)).await.refusal(),
            (400, "`region` is required")
        );
    }
    let broken = cloud
        .http
        .post(format!("{}/v2/vpcs", cloud.url))
        .bearer_auth("KEY-OF-THIS-TEST")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status(), 400);
}
