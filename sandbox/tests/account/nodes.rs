//! Worker nodes are instances too; load balancers and volumes of a cluster outlive it unless they are taken along.

use serde_json::json;
use slipway_sandbox::world::{BlockWish, LoadBalancerPort, LoadBalancerWish};

use crate::cloud::{Asked, Cloud};

#[tokio::test]
async fn a_node_deleted_as_an_instance_comes_again() {
    let cloud = Cloud::open().await;
    let (cluster, pool) = cloud.cluster(&cloud.vpc().await).await;
    let nodes = format!("/kubernetes/clusters/{cluster}/node-pools/{pool}/nodes");
    let before = cloud.ids(&nodes, "worker_nodes").await;
    cloud.delete(&format!("/instances/{}", before[0])).await;
    let after = cloud.ids(&nodes, "worker_nodes").await;
    assert_eq!(after.len(), 2);
    assert!(!after.contains(&before[0]) && after.contains(&before[1]));
    cloud
        .asked(|asked| asked.last() == Some(&Asked::Nodes(1)))
        .await;
    cloud.advance(180).await;
    cloud
        .asked(|asked| asked.last() == Some(&Asked::Nodes(2)))
        .await;
    cloud.check().await;
}

#[tokio::test]
async fn a_chosen_node_is_deleted_for_good_or_recycled() {
    let cloud = Cloud::open().await;
    let (cluster, pool) = cloud.cluster(&cloud.vpc().await).await;
    let path = format!("/kubernetes/clusters/{cluster}/node-pools/{pool}");
    let nodes = cloud.ids(&format!("{path}/nodes"), "worker_nodes").await;
    assert_eq!(
        cloud
            .call("POST", &format!("{path}/nodes/{}/recycle", nodes[0]), None)
            .await
            .status,
        204
    );
    assert_eq!(cloud.get(&path).await["node_pool"]["node_quantity"], 2);
    cloud.delete(&format!("{path}/nodes/{}", nodes[1])).await;
    assert_eq!(cloud.get(&path).await["node_pool"]["node_quantity"], 1);
    let last = cloud.ids(&format!("{path}/nodes"), "worker_nodes").await;
    assert_eq!(
        cloud
            .call("DELETE", &format!("{path}/nodes/{}", last[0]), None)
            .await
            .status,
        400
    );
    assert_eq!(
        cloud
            .call("DELETE", &format!("{path}/nodes/{}", nodes[1]), None)
            .await
            .status,
        404
    );
    cloud.check().await;
}

#[tokio::test]
async fn a_node_comes_again_also_in_a_full_network() {
    let cloud = Cloud::open().await;
    let small = json!({"region": "ams", "v4_subnet": "10.1.0.0", "v4_subnet_mask": 29});
    let vpc = cloud.post("/vpcs", small).await["vpc"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (cluster, pool) = cloud.cluster(&vpc).await;
    let pool = format!("/kubernetes/clusters/{cluster}/node-pools/{pool}");
    assert_eq!(
        cloud
            .call("PATCH", &pool, Some(json!({"node_quantity": 3})))
            .await
            .status,
        202
    );
    assert_eq!(
        cloud
            .call("PATCH", &pool, Some(json!({"node_quantity": 4})))
            .await
            .status,
        400
    );
    for node in cloud.ids(&format!("{pool}/nodes"), "worker_nodes").await {
        cloud.delete(&format!("/instances/{node}")).await;
        cloud.check().await;
    }
    assert_eq!(
        cloud
            .ids(&format!("{pool}/nodes"), "worker_nodes")
            .await
            .len(),
        3
    );
}

/// A load balancer and two volumes, as the cloud controller and the CSI driver make them.
async fn equip(cloud: &Cloud, cluster: &str) -> (String, Vec<String>) {
    let inside = cloud.inside();
    let port = LoadBalancerPort {
        protocol: "tcp".to_owned(),
        frontend: 9000,
        backend: 30900,
    };
    let wish = LoadBalancerWish {
        label: "a0123".to_owned(),
        nodes: 1,
        ports: vec![port],
        instances: Vec::new(),
    };
    let balancer = inside
        .create_load_balancer(cluster, wish.clone())
        .await
        .unwrap();
    assert_eq!(
        inside.create_load_balancer(cluster, wish).await.unwrap().id,
        balancer.id,
        "found by its label"
    );
    let mut blocks = Vec::new();
    for label in ["pvc-0123456789abcdef", "pvc-fedcba9876543210"] {
        let wish = BlockWish {
            label: label.to_owned(),
            size_gb: 10,
            block_type: "high_perf".to_owned(),
        };
        blocks.push(inside.create_block(cluster, wish).await.unwrap().id);
    }
    (balancer.id, blocks)
}

#[tokio::test]
async fn a_plain_delete_leaves_load_balancers_and_volumes_behind() {
    let cloud = Cloud::open().await;
    let (cluster, _) = cloud.cluster(&cloud.vpc().await).await;
    let (balancer, blocks) = equip(&cloud, &cluster).await;
    let resources = cloud
        .get(&format!("/kubernetes/clusters/{cluster}/resources"))
        .await["resources"]
        .clone();
    assert_eq!(resources["load_balancer"][0]["id"], json!(balancer));
    assert_eq!(resources["block_storage"].as_array().unwrap().len(), 2);

    cloud
        .delete(&format!("/kubernetes/clusters/{cluster}"))
        .await;
    assert_eq!(
        cloud.ids("/load-balancers", "load_balancers").await,
        [balancer]
    );
    assert_eq!(cloud.ids("/blocks", "blocks").await, blocks);
    let snapshot = cloud.get("/_sandbox/snapshot").await;
    let kept: Vec<_> = snapshot["objects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|object| object["cluster_id"] == json!(cluster))
        .collect();
    assert_eq!(kept.len(), 3);
    assert!(
        kept.iter().all(|object| object["mark"] == "slipway:acme"),
        "the owner stays known: {kept:?}"
    );
    cloud.check().await;
}

#[tokio::test]
async fn a_linked_delete_takes_all_but_what_somebody_else_holds() {
    let cloud = Cloud::open().await;
    let (cluster, _) = cloud.cluster(&cloud.vpc().await).await;
    let (_, blocks) = equip(&cloud, &cluster).await;
    let stranger = cloud.instance("stranger").await;
    cloud.advance(60).await;
    let attach = cloud
        .call(
            "POST",
            &format!("/blocks/{}/attach", blocks[0]),
            Some(json!({"instance_id": stranger})),
        )
        .await;
    assert_eq!(attach.status, 204);
    cloud
        .delete(&format!(
            "/kubernetes/clusters/{cluster}/delete-with-linked-resources"
        ))
        .await;
    assert_eq!(cloud.get("/load-balancers").await["meta"]["total"], 0);
    assert_eq!(cloud.ids("/blocks", "blocks").await, [blocks[0].clone()]);
    cloud
        .asked(|asked| asked.contains(&Asked::BalancerGone))
        .await;
    cloud.check().await;
}

#[tokio::test]
async fn a_volume_is_held_by_one_server_and_locks_it() {
    let cloud = Cloud::open().await;
    let (first, second) = (cloud.instance("one").await, cloud.instance("two").await);
    let block = cloud
        .post("/blocks", json!({"region": "ams", "size_gb": 10}))
        .await["block"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    cloud.advance(120).await;
    let attach = |instance: String| {
        cloud_call(
            &cloud,
            format!("/blocks/{block}/attach"),
            json!({"instance_id": instance, "live": true}),
        )
    };
    assert_eq!(attach(first.clone()).await.0, 204);
    assert_eq!(
        attach(second).await,
        (
            400,
            "Block storage is already attached to another server".to_owned()
        )
    );
    let locked = cloud
        .call("DELETE", &format!("/instances/{first}"), None)
        .await;
    assert_eq!(
        locked.refusal(),
        (
            500,
            "Unable to destroy server: Unable to remove VM: Server is currently locked"
        )
    );
    cloud.advance(5).await;

    cloud.fault(json!({"stale_attach": true})).await;
    cloud.delete(&format!("/instances/{first}")).await;
    assert_eq!(
        cloud.get(&format!("/blocks/{block}")).await["block"]["attached_to_instance"],
        json!(first)
    );
    let detached = cloud_call(&cloud, format!("/blocks/{block}/detach"), json!({})).await;
    assert_eq!(detached.0, 204);
    let free = cloud_call(&cloud, format!("/blocks/{block}/detach"), json!({})).await;
    assert_eq!(
        free,
        (
            400,
            "Block storage volume is not currently attached to a server".to_owned()
        )
    );
}

async fn cloud_call(cloud: &Cloud, path: String, body: serde_json::Value) -> (u16, String) {
    let reply = cloud.call("POST", &path, Some(body)).await;
    (
        reply.status,
        reply.body["error"].as_str().unwrap_or_default().to_owned(),
    )
}
