//! States that follow the clock, and the answers on the way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::cloud::{Asked, Cloud, cluster_wish};

#[tokio::test]
async fn a_cluster_is_pending_for_seven_minutes_and_then_has_nodes_and_a_kubeconfig() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    let made = cloud
        .call("POST", "/kubernetes/clusters", Some(cluster_wish(&vpc)))
        .await;
    assert_eq!(made.status, 201);
    let pending = &made.body["vke_cluster"];
    assert_eq!(
        (&pending["status"], &pending["ip"]),
        (&json!("pending"), &json!("0.0.0.0"))
    );
    assert_eq!(
        (&pending["cluster_subnet"], &pending["service_subnet"]),
        (&json!("10.244.0.0/16"), &json!("10.96.0.0/12"))
    );
    assert_eq!(
        pending["vpcs"],
        json!([{"id": vpc, "subnet": "10.20.0.0/24"}])
    );
    assert_eq!(pending["oidc"]["issuer_url"], "");
    let id = pending["id"].as_str().unwrap();
    cloud
        .asked(|asked| asked == [Asked::Start("v1.36.5+1".to_owned())])
        .await;

    cloud.advance(419).await;
    let path = format!("/kubernetes/clusters/{id}");
    let late = cloud.get(&path).await["vke_cluster"].clone();
    assert_eq!(
        (&late["status"], &late["ip"]),
        (&json!("pending"), &json!("0.0.0.0"))
    );
    assert_eq!(
        cloud
            .call("GET", &format!("{path}/config"), None)
            .await
            .status,
        404
    );
    cloud.advance(1).await;
    let active = cloud.get(&path).await["vke_cluster"].clone();
    assert_eq!(active["status"], "active");
    assert_eq!(active["endpoint"], format!("{id}.vultr-k8s.com"));
    let pool = &active["node_pools"][0];
    assert_eq!(
        (&pool["status"], &pool["labels"]),
        (&json!("active"), &json!({"slipway.dev/pool": "general"}))
    );
    assert_eq!(
        pool["taints"],
        json!([{"key": "a", "value": "b", "effect": "NoSchedule"}])
    );
    assert_eq!(pool["nodes"].as_array().unwrap().len(), 2);
    cloud
        .asked(|asked| asked.last() == Some(&Asked::Nodes(2)))
        .await;

    let config = cloud.get(&format!("{path}/config")).await;
    let kubeconfig = STANDARD
        .decode(config["kube_config"].as_str().unwrap())
        .unwrap();
    assert_eq!(kubeconfig, b"apiVersion: v1\n");
    let instances = cloud.get("/instances").await;
    assert_eq!(instances["meta"]["total"], 2);
    assert_eq!(instances["instances"][0]["id"], pool["nodes"][0]["id"]);
    cloud.check().await;
}

#[tokio::test]
async fn a_pool_grows_shrinks_and_never_becomes_empty() {
    let cloud = Cloud::open().await;
    let (cluster, pool) = cloud.cluster(&cloud.vpc().await).await;
    let pools = format!("/kubernetes/clusters/{cluster}/node-pools");
    let path = format!("{pools}/{pool}");

    let grown = cloud
        .call(
            "PATCH",
            &path,
            Some(json!({"node_quantity": 4, "tag": "t"})),
        )
        .await;
    assert_eq!(
        (grown.status, &grown.body["node_pool"]["status"]),
        (202, &json!("pending"))
    );
    cloud.advance(180).await;
    assert_eq!(cloud.get(&path).await["node_pool"]["status"], "active");
    cloud.asked(|asked| asked.contains(&Asked::Nodes(4))).await;

    assert_eq!(
        cloud
            .call("PATCH", &path, Some(json!({"node_quantity": 1})))
            .await
            .status,
        202
    );
    assert_eq!(
        cloud
            .ids(&format!("{path}/nodes"), "worker_nodes")
            .await
            .len(),
        1
    );
    let refused = cloud
        .call("PATCH", &path, Some(json!({"node_quantity": 0})))
        .await;
    assert_eq!(
        refused.refusal(),
        (400, "`node_quantity` must be a positive integer.")
    );
    let refused = cloud.call("DELETE", &path, None).await;
    assert_eq!(refused.refusal().0, 400);

    let second = json!({"label": "memory", "plan": "voc-m-2c-16gb-100s", "node_quantity": 1});
    let made = cloud.call("POST", &pools, Some(second.clone())).await;
    assert_eq!(made.status, 201);
    assert_eq!(cloud.call("POST", &pools, Some(second)).await.status, 400);
    cloud.delete(&path).await;
    assert_eq!(
        cloud.ids(&pools, "node_pools").await,
        [made.body["node_pool"]["id"].as_str().unwrap()]
    );
    cloud.check().await;
}

#[tokio::test]
async fn labels_and_taints_have_ids_and_reach_the_nodes() {
    let cloud = Cloud::open().await;
    let (cluster, pool) = cloud.cluster(&cloud.vpc().await).await;
    let pool = format!("/kubernetes/clusters/{cluster}/node-pools/{pool}");
    for (kind, one, body) in [
        ("labels", "label", json!({"key": "k", "value": "v"})),
        (
            "taints",
            "taint",
            json!({"key": "k", "value": "v", "effect": "NoExecute"}),
        ),
    ] {
        let made = cloud
            .call("POST", &format!("{pool}/{kind}"), Some(body))
            .await;
        assert_eq!(made.status, 201);
        let id = made.body[one]["id"].as_str().unwrap();
        assert_eq!(
            cloud.get(&format!("{pool}/{kind}/{id}")).await[one],
            made.body[one]
        );
        assert_eq!(cloud.ids(&format!("{pool}/{kind}"), kind).await.len(), 2);
        cloud.delete(&format!("{pool}/{kind}/{id}")).await;
        assert_eq!(
            cloud
                .call("GET", &format!("{pool}/{kind}/{id}"), None)
                .await
                .status,
            404
        );
    }
}

#[tokio::test]
async fn a_deleted_cluster_is_gone_at_once_and_stops_its_control_plane() {
    let cloud = Cloud::open().await;
    let (cluster, _) = cloud.cluster(&cloud.vpc().await).await;
    cloud
        .delete(&format!("/kubernetes/clusters/{cluster}"))
        .await;
    for path in [
        "",
        "/config",
        "/node-pools",
        "/resources",
        "/available-upgrades",
    ] {
        let gone = cloud
            .call(
                "GET",
                &format!("/kubernetes/clusters/{cluster}{path}"),
                None,
            )
            .await;
        assert_eq!(gone.refusal(), (404, "Invalid resource ID"), "{path}");
    }
    cloud
        .asked(|asked| asked.contains(&Asked::Stop(cluster.clone())))
        .await;
    assert_eq!(cloud.get("/instances").await["meta"]["total"], 0);
    cloud.check().await;
}

#[tokio::test]
async fn an_upgrade_goes_one_minor_forward_and_replaces_every_node() {
    let cloud = Cloud::open().await;
    let mut wish = cluster_wish(&cloud.vpc().await);
    wish["version"] = json!("v1.34.11+1");
    let cluster = cloud.post("/kubernetes/clusters", wish).await["vke_cluster"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    cloud.asked(|asked| !asked.is_empty()).await;
    cloud.advance(420).await;
    let path = format!("/kubernetes/clusters/{cluster}");
    let before = cloud.ids("/instances", "instances").await;
    let upgrades = cloud.get(&format!("{path}/available-upgrades")).await;
    assert_eq!(upgrades["available_upgrades"], json!(["v1.35.8+1"]));
    let refused = cloud
        .call(
            "POST",
            &format!("{path}/upgrades"),
            Some(json!({"upgrade_version": "v1.36.5+1"})),
        )
        .await;
    assert_eq!(refused.refusal().0, 400);
    let begun = cloud
        .call(
            "POST",
            &format!("{path}/upgrades"),
            Some(json!({"upgrade_version": "v1.35.8+1"})),
        )
        .await;
    assert_eq!(begun.status, 202);
    cloud
        .asked(|asked| asked.contains(&Asked::Upgrade("v1.35.8+1".to_owned())))
        .await;
    let twice = cloud
        .call(
            "POST",
            &format!("{path}/upgrades"),
            Some(json!({"upgrade_version": "v1.35.8+1"})),
        )
        .await;
    assert_eq!(twice.refusal().0, 400);
    assert_eq!(version_of(&cloud, &path).await, "v1.34.11+1");

    // The control plane moves first; a fault stops the rest.
    cloud.advance(120).await;
    cloud
        .until("a new control plane", async || {
            version_of(&cloud, &path).await == "v1.35.8+1"
        })
        .await;
    cloud.fault(json!({"upgrade_stuck": true})).await;
    let half = cloud.ids("/instances", "instances").await;
    assert_eq!(half.iter().filter(|id| before.contains(id)).count(), 1);
    cloud.advance(3600).await;
    assert_eq!(cloud.ids("/instances", "instances").await, half);

    // Node after node follows, each once the one before is up.
    cloud.clear_faults().await;
    let after = cloud.ids("/instances", "instances").await;
    assert!(after.len() == 2 && after.iter().all(|id| !before.contains(id)));
    cloud.advance(180).await;
    let pools = cloud.get(&path).await["vke_cluster"]["node_pools"].clone();
    assert_eq!(pools[0]["status"], "active");
    assert_eq!(cloud.ids("/instances", "instances").await, after);
    let upgrades = cloud.get(&format!("{path}/available-upgrades")).await;
    assert_eq!(upgrades["available_upgrades"], json!(["v1.36.5+1"]));
    cloud.check().await;
}

async fn version_of(cloud: &Cloud, path: &str) -> String {
    cloud.get(path).await["vke_cluster"]["version"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn volumes_and_load_balancers_become_active_in_their_time() {
    let cloud = Cloud::open().await;
    let block = cloud
        .post(
            "/blocks",
            json!({"region": "ams", "size_gb": 10, "label": "pvc-0123456789abcdef"}),
        )
        .await;
    let balancer = cloud
        .post("/load-balancers", json!({"region": "ams", "label": "web"}))
        .await;
    let block = format!("/blocks/{}", block["block"]["id"].as_str().unwrap());
    let balancer = format!(
        "/load-balancers/{}",
        balancer["load_balancer"]["id"].as_str().unwrap()
    );
    let busy = cloud.call("DELETE", &balancer, None).await;
    assert_eq!(busy.refusal(), (400, "Load balancer is not ready."));
    cloud.advance(10).await;
    assert_eq!(cloud.get(&block).await["block"]["status"], "active");
    assert_eq!(cloud.get(&balancer).await["load_balancer"]["ipv4"], "");
    cloud.advance(110).await;
    let shown = cloud.get(&balancer).await["load_balancer"].clone();
    assert_eq!(
        (&shown["status"], &shown["ipv4"]),
        (&json!("active"), &json!("127.66.0.1"))
    );
    for object in ["auto_ssl", "health_check", "generic_info"] {
        assert!(shown[object].is_object(), "{object}");
    }
    assert!(shown["generic_info"]["sticky_sessions"].is_object());
    assert_eq!(
        cloud.call("PATCH", &balancer, Some(json!({}))).await.status,
        204
    );
    let rule = json!({"frontend_protocol": "tcp", "frontend_port": 443, "backend_protocol": "tcp", "backend_port": 30443});
    let made = cloud
        .call(
            "POST",
            &format!("{balancer}/forwarding-rules"),
            Some(rule.clone()),
        )
        .await;
    assert_eq!(made.status, 202);
    assert_eq!(
        cloud
            .call("POST", &format!("{balancer}/forwarding-rules"), Some(rule))
            .await
            .status,
        400
    );
    cloud.delete(&balancer).await;
    cloud.delete(&block).await;
}
