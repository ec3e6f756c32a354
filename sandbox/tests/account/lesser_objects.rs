//! NAT gateways, firewall groups, file systems, snapshots, reserved addresses, startup scripts.

use serde_json::json;

use crate::cloud::{Cloud, cluster_wish, instance_wish};

fn id(answer: &serde_json::Value, key: &str) -> String {
    answer[key]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_gateway_lets_pools_be_without_public_addresses_and_holds_its_network() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    let mut wish = cluster_wish(&vpc);
    wish["node_pools"][0]["vpc_only"] = json!(true);
    let refused = cloud
        .call("POST", "/kubernetes/clusters", Some(wish.clone()))
        .await;
    assert!(refused.refusal().1.contains("NAT Gateway is required"));

    let path = format!("/vpcs/{vpc}/nat-gateway");
    let made = cloud
        .post(&path, json!({"label": "out", "tag": "slipway:acme"}))
        .await;
    let gateway = id(&made, "nat_gateway");
    assert_eq!(made["nat_gateway"]["status"], "pending");
    assert_eq!(made["nat_gateway"]["billing"]["monthly"], 20);
    let cluster = cloud.post("/kubernetes/clusters", wish).await;
    let cluster = id(&cluster, "vke_cluster");
    cloud.asked(|asked| !asked.is_empty()).await;
    cloud.advance(420).await;
    let nodes = cloud.get("/instances").await;
    assert_eq!(nodes["instances"][0]["vpc_only"], true);
    assert_eq!(nodes["instances"][0]["main_ip"], "0.0.0.0");
    assert_eq!(
        cloud.get(&path).await["nat_gateways"][0]["status"],
        "active"
    );

    cloud
        .delete(&format!("/kubernetes/clusters/{cluster}"))
        .await;
    cloud.advance(600).await;
    let busy = cloud.call("DELETE", &format!("/vpcs/{vpc}"), None).await;
    assert!(busy.refusal().1.contains("attached to this VPC network"));
    cloud.delete(&format!("{path}/{gateway}")).await;
    let gone = cloud.call("GET", &format!("{path}/{gateway}"), None).await;
    assert_eq!(gone.refusal(), (404, "Invalid NAT Gateway ID."));
    cloud.advance(60).await;
    cloud.delete(&format!("/vpcs/{vpc}")).await;
    cloud.check().await;
}

#[tokio::test]
async fn a_busy_network_and_an_unknown_instance_are_told_in_every_wording() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    cloud.cluster(&vpc).await;
    let path = format!("/vpcs/{vpc}");
    for (wording, words) in [
        ("addresses", "VPC is attached to 10.20.0.3, 10.20.0.4"),
        ("other", "resource busy"),
        ("servers", "are attached to this VPC network: 10.20.0.3"),
    ] {
        cloud.fault(json!({"vpc_in_use": wording})).await;
        let busy = cloud.call("DELETE", &path, None).await;
        let (status, text) = busy.refusal();
        assert!(status == 400 && text.contains(words), "{wording}: {text}");
    }
    let unknown = async || cloud.call("GET", "/instances/x", None).await;
    assert_eq!(unknown().await.refusal(), (404, "instance not found"));
    cloud.fault(json!({"instance_unknown_400": true})).await;
    assert_eq!(unknown().await.refusal(), (400, "invalid instance ID"));
    cloud.clear_faults().await;
    assert_eq!(unknown().await.refusal().0, 404);
}

#[tokio::test]
async fn a_cluster_may_have_a_firewall_of_its_own() {
    let cloud = Cloud::open().await;
    let mut wish = cluster_wish(&cloud.vpc().await);
    wish["enable_firewall"] = json!(true);
    let made = cloud.post("/kubernetes/clusters", wish).await;
    let cluster = id(&made, "vke_cluster");
    let group = made["vke_cluster"]["firewall_group_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/firewalls/{group}");
    let rule = json!({"ip_type": "v4", "protocol": "TCP", "subnet": "0.0.0.0", "subnet_size": 0, "port": "443"});
    let rule = cloud.post(&format!("{path}/rules"), rule).await;
    assert_eq!(rule["firewall_rule"]["protocol"], "tcp");
    let portless = json!({"ip_type": "v4", "protocol": "tcp", "subnet": "0.0.0.0"});
    let refused = cloud
        .call("POST", &format!("{path}/rules"), Some(portless))
        .await;
    assert_eq!(refused.refusal().0, 400);
    assert_eq!(cloud.get(&path).await["firewall_group"]["rule_count"], 1);
    assert_eq!(cloud.call("DELETE", &path, None).await.refusal().0, 400);
    cloud.delete(&format!("{path}/rules/1")).await;
    let gone = cloud.call("GET", &format!("{path}/rules/1"), None).await;
    assert_eq!(gone.refusal(), (404, "Firewall rule ID not found"));
    cloud
        .delete(&format!("/kubernetes/clusters/{cluster}"))
        .await;
    assert_eq!(cloud.call("GET", &path, None).await.refusal().0, 404);

    let own = id(
        &cloud
            .post("/firewalls", json!({"description": "mine"}))
            .await,
        "firewall_group",
    );
    let mut host = instance_wish("host");
    host["firewall_group_id"] = json!("unknown");
    let refused = cloud.call("POST", "/instances", Some(host.clone())).await;
    assert_eq!(refused.refusal().0, 400);
    host["firewall_group_id"] = json!(own);
    let host = id(&cloud.post("/instances", host).await, "instance");
    cloud.delete(&format!("/firewalls/{own}")).await;
    let host = cloud.get(&format!("/instances/{host}")).await;
    assert_eq!(host["instance"]["firewall_group_id"], "");
    cloud.check().await;
}

#[tokio::test]
async fn file_systems_are_answered_bare_and_held_by_many() {
    let cloud = Cloud::open().await;
    let wish = json!({"region": "ams", "label": "pvc-1", "storage_size": {"gb": 20}, "tags": ["slipway:acme"]});
    let made = cloud.post("/vfs", wish).await;
    assert_eq!(
        (&made["billing"]["monthly"], &made["status"]),
        (&json!(2), &json!("pending"))
    );
    let path = format!("/vfs/{}", made["id"].as_str().unwrap());
    let (one, two) = (cloud.instance("one").await, cloud.instance("two").await);
    for (mount, host) in [&one, &two].into_iter().enumerate() {
        let attachment = format!("{path}/attachments/{host}");
        let held = cloud.call("PUT", &attachment, None).await.ok();
        assert_eq!(held["mount_tag"], mount);
        assert_eq!(cloud.get(&attachment).await["target_id"], *host);
    }
    assert_eq!(cloud.call("DELETE", &path, None).await.refusal().0, 400);
    cloud.delete(&format!("{path}/attachments/{one}")).await;
    cloud.delete(&format!("/instances/{two}")).await;
    let left = cloud.get(&format!("{path}/attachments")).await;
    assert_eq!(left["attachments"], json!([]));
    let smaller = cloud
        .call("PUT", &path, Some(json!({"storage_size": {"gb": 10}})))
        .await;
    assert_eq!(smaller.refusal().0, 400);
    assert_eq!(cloud.get("/vfs").await["vfs"][0]["storage_size"]["gb"], 20);
    cloud.delete(&path).await;
    let gone = cloud.call("GET", &path, None).await;
    assert_eq!(gone.refusal(), (404, "Subscription ID Not Found"));
    cloud.check().await;
}

#[tokio::test]
async fn a_reserved_address_costs_while_no_server_has_it() {
    let cloud = Cloud::open().await;
    let wish = json!({"region": "ams", "ip_type": "v4", "label": "slipway:acme"});
    let reserved = id(&cloud.post("/reserved-ips", wish).await, "reserved_ip");
    let path = format!("/reserved-ips/{reserved}");
    let price = async || {
        let snapshot = cloud.get("/_sandbox/snapshot").await;
        let objects = snapshot["objects"].as_array().unwrap().clone();
        let mut found = objects
            .into_iter()
            .filter(|one| one["kind"] == "reserved_ip");
        found.next().unwrap()["monthly_usd"].to_string()
    };
    assert_eq!(price().await, "3");
    let host = cloud.instance("host").await;
    let attach = json!({"instance_id": host});
    cloud
        .call("POST", &format!("{path}/attach"), Some(attach.clone()))
        .await
        .ok();
    assert_eq!(price().await, "0");
    let twice = cloud
        .call("POST", &format!("{path}/attach"), Some(attach))
        .await;
    assert!(twice.refusal().1.contains("already attached"));
    assert_eq!(cloud.call("DELETE", &path, None).await.refusal().0, 400);
    cloud.delete(&format!("/instances/{host}")).await;
    assert_eq!(price().await, "3");
    cloud.check().await;
    cloud.delete(&path).await;
    cloud.check().await;
}

#[tokio::test]
async fn snapshots_and_startup_scripts_come_and_go() {
    let cloud = Cloud::open().await;
    let host = cloud.instance("host").await;
    let wish = json!({"instance_id": host, "description": "slipway:acme"});
    let snapshot = id(&cloud.post("/snapshots", wish).await, "snapshot");
    cloud.advance(300).await;
    let listed = cloud.get("/snapshots").await;
    assert_eq!(listed["snapshots"][0]["status"], "complete");
    let script = json!({"name": "slipway:acme", "script": "not base64!"});
    let refused = cloud.call("POST", "/startup-scripts", Some(script)).await;
    assert_eq!(refused.refusal(), (400, "Script must be base64 encoded"));
    let script = json!({"name": "slipway:acme", "script": "IyEvYmluL3No"});
    let made = cloud.post("/startup-scripts", script).await;
    let path = format!("/startup-scripts/{}", id(&made, "startup_script"));
    assert_eq!(
        cloud.get(&path).await["startup_script"]["script"],
        "IyEvYmluL3No"
    );
    assert!(cloud.get("/startup-scripts").await["startup_scripts"][0]["script"].is_null());

    let marked = cloud.get("/_sandbox/snapshot").await["objects"].clone();
    let of_acme = |kind: &str| {
        let mut objects = marked.as_array().unwrap().iter();
        objects.any(|one| one["kind"] == kind && one["mark"] == "slipway:acme")
    };
    assert!(of_acme("snapshot") && of_acme("startup_script"), "{marked}");
    cloud.delete(&format!("/snapshots/{snapshot}")).await;
    cloud.delete(&path).await;
    for (path, words) in [
        (format!("/snapshots/{snapshot}"), "Invalid snapshot ID"),
        (path, "Invalid startup script ID"),
    ] {
        let gone = cloud.call("GET", &path, None).await;
        assert_eq!(gone.refusal(), (404, words));
    }
    cloud.check().await;
}

#[tokio::test]
async fn what_is_made_for_nodes_by_label_is_linked_to_their_cluster() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    let (cluster, _) = cloud.cluster(&vpc).await;
    let nodes = cloud.get("/instances").await;
    let node = nodes["instances"][0]["id"].as_str().unwrap().to_owned();
    let mut volumes = Vec::new();
    for label in ["pvc-0123456789abcdef", "mine"] {
        let wish =
            json!({"region": "ams", "size_gb": 10, "label": label, "block_type": "high_perf"});
        volumes.push(id(&cloud.post("/blocks", wish).await, "block"));
    }
    cloud.advance(60).await;
    for volume in &volumes {
        let path = format!("/blocks/{volume}/attach");
        cloud
            .call(
                "POST",
                &path,
                Some(json!({"instance_id": node, "live": true})),
            )
            .await;
        cloud.advance(600).await;
    }
    for label in ["a0123456789abcdef0123456789abcdef", "mine"] {
        let wish = json!({"region": "ams", "label": label, "instances": [node]});
        cloud.post("/load-balancers", wish).await;
    }
    let linked = cloud
        .get(&format!("/kubernetes/clusters/{cluster}/resources"))
        .await;
    for (kind, label) in [
        ("block_storage", "pvc-0123456789abcdef"),
        ("load_balancer", "a0123456789abcdef0123456789abcdef"),
    ] {
        let linked = linked["resources"][kind].as_array().unwrap();
        assert_eq!(linked.len(), 1, "{kind}: {linked:?}");
        assert_eq!(linked[0]["label"], label);
    }
    for list in ["/bare-metals", "/blocks/snapshots", "/object-storage"] {
        assert_eq!(cloud.get(list).await["meta"]["total"], 0, "{list}");
    }
    cloud.check().await;
}
