//! The request of every call, and the answer as the API gives it.

use std::net::Ipv4Addr;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vultr::{
    CreateBlock, CreateCluster, CreateInstance, CreateLoadBalancer, CreateNodePool, CreateVpc,
    Effect, ForwardingRule, InstanceFilter, Subnet, Taint, UpdateNodePool, UserData,
};

use crate::server::{Reply, Server, page, vpc};

const DATE: &str = "2026-07-07T22:57:01+00:00";

fn pool() -> Value {
    json!({
        "id": "p", "date_created": DATE, "date_updated": DATE, "label": "system", "plan": "vc2-4c-8gb", "status": "active",
        "node_quantity": 1, "min_nodes": 1, "max_nodes": 1, "auto_scaler": false, "tag": "slipway:acme", "labels": {},
        "taints": [], "nodes": [],
    })
}

fn cluster() -> Value {
    json!({
        "id": "c", "label": "slipway:acme", "date_created": DATE, "cluster_subnet": "10.244.0.0/16",
        "service_subnet": "10.96.0.0/12", "ip": "0.0.0.0", "endpoint": "c.vultr-k8s.com", "version": "v1.36.5+1",
        "region": "ams", "status": "pending", "ha_controlplanes": true, "node_pools": [pool()], "vpcs": [],
    })
}

fn instance() -> Value {
    json!({
        "id": "i", "label": "slipway:acme:bootstrap", "tags": ["slipway:acme"], "region": "ams", "plan": "vc2-1c-2gb",
        "main_ip": "0.0.0.0", "internal_ip": "", "date_created": DATE, "status": "pending", "power_status": "running",
        "server_status": "none", "os_id": 2136, "default_password": "pw",
    })
}

fn wanted_pool() -> CreateNodePool {
    CreateNodePool {
        label: "memory".into(),
        plan: "voc-m-2c-16gb-100s".into(),
        node_quantity: 1,
        min_nodes: 1,
        max_nodes: 4,
        auto_scaler: true,
        tag: "slipway:acme".into(),
        vpc_only: false,
        labels: [("slipway.dev/pool".to_owned(), "memory".to_owned())].into(),
        taints: vec![Taint {
            key: "slipway.dev/pool".into(),
            value: "memory".into(),
            effect: Effect::NoSchedule,
        }],
        user_data: None,
    }
}

fn wanted_pool_body() -> Value {
    json!({
        "label": "memory", "plan": "voc-m-2c-16gb-100s", "node_quantity": 1, "min_nodes": 1, "max_nodes": 4,
        "auto_scaler": true, "tag": "slipway:acme", "vpc_only": false, "labels": {"slipway.dev/pool": "memory"},
        "taints": [{"key": "slipway.dev/pool", "value": "memory", "effect": "NoSchedule"}],
    })
}

/// A server that answers one call and gives back what it was asked.
async fn one(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |_| reply()).await
}

fn asked(server: &Server) -> (String, Value) {
    let mut seen = server.seen();
    assert_eq!(seen.len(), 1);
    let seen = seen.remove(0);
    (seen.line, seen.body)
}

#[tokio::test]
async fn clusters() {
    let server = one(|| Reply::Json(201, json!({"vke_cluster": cluster()}))).await;
    let wanted = CreateCluster {
        label: "slipway:acme".into(),
        region: "ams".into(),
        version: "v1.36.5+1".into(),
        ha_controlplanes: true,
        enable_firewall: false,
        vpc_id: Some("v".into()),
        oidc: None,
        node_pools: vec![wanted_pool()],
    };
    let made = server.client().create_cluster(&wanted).await.unwrap();
    assert_eq!(made.id, "c");
    let body = json!({
        "label": "slipway:acme", "region": "ams", "version": "v1.36.5+1", "ha_controlplanes": true,
        "enable_firewall": false, "vpc_id": "v", "node_pools": [wanted_pool_body()],
    });
    assert_eq!(
        asked(&server),
        ("POST /v2/kubernetes/clusters".into(), body)
    );

    let server = one(|| Reply::Empty(204)).await;
    let client = server.client();
    client.update_cluster_label("c", "slipway:b").await.unwrap();
    client.upgrade_cluster("c", "v1.36.6+1").await.unwrap();
    client.delete_cluster("c").await.unwrap();
    client
        .delete_cluster_with_linked_resources("c")
        .await
        .unwrap();
    assert_eq!(
        server.lines(),
        [
            "PUT /v2/kubernetes/clusters/c",
            "POST /v2/kubernetes/clusters/c/upgrades",
            "DELETE /v2/kubernetes/clusters/c",
            "DELETE /v2/kubernetes/clusters/c/delete-with-linked-resources",
        ]
    );
    assert_eq!(server.seen()[0].body, json!({"label": "slipway:b"}));
    assert_eq!(
        server.seen()[1].body,
        json!({"upgrade_version": "v1.36.6+1"})
    );
}

#[tokio::test]
async fn cluster_reads() {
    let server = Server::start(|seen| match seen.line.as_str() {
        "GET /v2/kubernetes/clusters?per_page=500" => page("vke_clusters", &[cluster()], 1, ""),
        "GET /v2/kubernetes/clusters/c/config" => {
            Reply::Json(200, json!({"kube_config": "YXBpVmVyc2lvbjogdjEK"}))
        }
        "GET /v2/kubernetes/clusters/c/available-upgrades" => {
            Reply::Json(200, json!({"available_upgrades": ["v1.37.0+1"]}))
        }
        "GET /v2/kubernetes/versions" => {
            Reply::Json(200, json!({"versions": ["v1.36.5+1", "v1.35.9+1"]}))
        }
        other => panic!("{other}"),
    })
    .await;
    let client = server.client();
    let mark = vultr::Mark::new("acme").unwrap();
    assert_eq!(client.clusters_marked(&mark).await.unwrap().len(), 1);
    let kubeconfig = client.kubeconfig("c").await.unwrap().unwrap();
    assert_eq!(kubeconfig.expose_secret(), "apiVersion: v1\n");
    assert_eq!(
        client.available_upgrades("c").await.unwrap().unwrap(),
        ["v1.37.0+1"]
    );
    assert_eq!(client.kubernetes_versions().await.unwrap()[0], "v1.36.5+1");
}

#[tokio::test]
async fn a_kubeconfig_that_is_no_base64_is_not_repeated() {
    let server = one(|| Reply::Json(200, json!({"kube_config": "canary!"}))).await;
    let failed = server.client().kubeconfig("c").await.unwrap_err();
    assert_eq!(failed.code(), "SLW-210");
    assert!(!failed.to_string().contains("canary"), "{failed}");
}

#[tokio::test]
async fn node_pools() {
    let server = one(|| Reply::Json(201, json!({"node_pool": pool()}))).await;
    server
        .client()
        .create_node_pool("c", &wanted_pool())
        .await
        .unwrap();
    let line = "POST /v2/kubernetes/clusters/c/node-pools".to_owned();
    assert_eq!(asked(&server), (line, wanted_pool_body()));

    let server = one(|| Reply::Json(202, json!({"node_pool": pool()}))).await;
    let change = UpdateNodePool {
        min_nodes: Some(2),
        max_nodes: Some(5),
        ..UpdateNodePool::default()
    };
    server
        .client()
        .update_node_pool("c", "p", &change)
        .await
        .unwrap();
    let line = "PATCH /v2/kubernetes/clusters/c/node-pools/p".to_owned();
    assert_eq!(
        asked(&server),
        (line, json!({"min_nodes": 2, "max_nodes": 5}))
    );

    let server = one(|| Reply::Empty(204)).await;
    let client = server.client();
    client.delete_node_pool("c", "p").await.unwrap();
    client.delete_pool_label("c", "p", "l").await.unwrap();
    client.delete_pool_taint("c", "p", "t").await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "DELETE /v2/kubernetes/clusters/c/node-pools/p",
            "DELETE /v2/kubernetes/clusters/c/node-pools/p/labels/l",
            "DELETE /v2/kubernetes/clusters/c/node-pools/p/taints/t",
        ]
    );
}

#[tokio::test]
async fn networks() {
    let server = one(|| Reply::Json(201, json!({"vpc": vpc("v", "slipway:acme")}))).await;
    let wanted = CreateVpc {
        region: "ams".into(),
        description: "slipway:acme".into(),
        subnet: Some(Subnet {
            address: Ipv4Addr::new(10, 20, 0, 0),
            length: 20,
        }),
    };
    let made = server.client().create_vpc(&wanted).await.unwrap();
    assert_eq!(made.cidr(), "10.20.0.0/20");
    let body = json!({
        "region": "ams", "description": "slipway:acme", "v4_subnet": "10.20.0.0", "v4_subnet_mask": 20,
    });
    assert_eq!(asked(&server), ("POST /v2/vpcs".into(), body));
}

#[tokio::test]
async fn instances() {
    let server = one(|| Reply::Json(202, json!({"instance": instance()}))).await;
    let wanted = CreateInstance {
        region: "ams".into(),
        plan: "vc2-1c-2gb".into(),
        os_id: 2136,
        label: "slipway:acme:bootstrap".into(),
        hostname: "bootstrap".into(),
        tags: vec!["slipway:acme".into(), "slipway-role:bootstrap".into()],
        user_data: Some(UserData::new(&"#cloud-config\n".to_owned().into())),
        sshkey_id: vec!["k".into()],
        attach_vpc: vec!["v".into()],
        enable_ipv6: false,
        backups: false,
        activation_email: false,
    };
    let made = server.client().create_instance(&wanted).await.unwrap();
    assert_eq!(made.default_password.unwrap().expose_secret(), "pw");
    let body = json!({
        "region": "ams", "plan": "vc2-1c-2gb", "os_id": 2136, "label": "slipway:acme:bootstrap", "hostname": "bootstrap",
        "tags": ["slipway:acme", "slipway-role:bootstrap"], "user_data": "I2Nsb3VkLWNvbmZpZwo=", "sshkey_id": ["k"],
        "attach_vpc": ["v"], "enable_ipv6": false, "backups": "disabled", "activation_email": false,
    });
    assert_eq!(asked(&server), ("POST /v2/instances".into(), body));

    let server = Server::start(|seen| {
        if seen.line.starts_with("GET") {
            page("instances", &[instance()], 1, "")
        } else {
            Reply::Empty(204)
        }
    })
    .await;
    let client = server.client();
    client.start_instance("i").await.unwrap();
    client.halt_instance("i").await.unwrap();
    client.reboot_instance("i").await.unwrap();
    let tagged = client
        .instances(InstanceFilter::Tag("slipway:acme"))
        .await
        .unwrap();
    assert_eq!(tagged.len(), 1);
    assert_eq!(
        server.lines(),
        [
            "POST /v2/instances/i/start",
            "POST /v2/instances/i/halt",
            "POST /v2/instances/i/reboot",
            "GET /v2/instances?per_page=500&tag=slipway%3Aacme",
        ]
    );
}

#[tokio::test]
async fn catalogue() {
    let server = Server::start(|seen| match seen.line.as_str() {
        "GET /v2/regions?per_page=500" => page(
            "regions",
            &[json!({"id": "ams", "city": "Amsterdam", "country": "NL", "continent": "Europe", "options": ["kubernetes"]})],
            1,
            "",
        ),
        "GET /v2/regions/ams/availability" => Reply::Json(200, json!({"available_plans": ["vc2-1c-2gb"]})),
        "GET /v2/regions/nowhere/availability" => crate::server::error(404, "Invalid region"),
        "GET /v2/plans?per_page=500" => page(
            "plans",
            &[json!({"id": "vc2-1c-2gb", "type": "vc2", "vcpu_count": 1, "ram": 2048, "disk": 55, "monthly_cost": 10, "locations": ["ams"]})],
            1,
            "",
        ),
        "GET /v2/os?per_page=500" => page(
            "os",
            &[json!({"id": 2136, "name": "Debian 12 x64 (bookworm)", "arch": "x64", "family": "debian"})],
            1,
            "",
        ),
        other => panic!("{other}"),
    })
    .await;
    let client = server.client();
    assert!(client.regions().await.unwrap()[0].has_kubernetes());
    assert_eq!(
        client.available_plans("ams").await.unwrap().unwrap(),
        ["vc2-1c-2gb"]
    );
    assert_eq!(client.available_plans("nowhere").await.unwrap(), None);
    assert_eq!(
        client.plans().await.unwrap()[0].monthly_cost.to_string(),
        "10"
    );
    assert_eq!(client.operating_systems().await.unwrap()[0].id, 2136);
}

#[tokio::test]
async fn ssh_keys_volumes_and_load_balancers() {
    let server = Server::start(|seen| match seen.line.as_str() {
        "POST /v2/ssh-keys" => Reply::Json(201, json!({"ssh_key": {"id": "k", "name": "n", "ssh_key": "ssh-ed25519 AAAA", "date_created": DATE}})),
        "POST /v2/blocks" => Reply::Json(202, json!({"block": {"id": "b", "label": "l", "region": "ams", "size_gb": 10, "status": "pending", "attached_to_instance": ""}})),
        "POST /v2/load-balancers" => Reply::Json(202, json!({"load_balancer": {"id": "l", "label": "l", "region": "ams", "status": "pending", "ipv4": "", "instances": []}})),
        _ => Reply::Empty(204),
    })
    .await;
    let client = server.client();
    client
        .create_ssh_key("n", "ssh-ed25519 AAAA")
        .await
        .unwrap();
    let block = CreateBlock {
        region: "ams".into(),
        label: "l".into(),
        size_gb: 10,
        block_type: "high_perf".into(),
    };
    client.create_block(&block).await.unwrap();
    client.attach_block("b", "i").await.unwrap();
    client.detach_block("b").await.unwrap();
    let balancer = CreateLoadBalancer {
        region: "ams".into(),
        label: "l".into(),
        vpc: Some("v".into()),
        instances: vec![],
        forwarding_rules: vec![ForwardingRule {
            frontend_protocol: "tcp".into(),
            frontend_port: 80,
            backend_protocol: "tcp".into(),
            backend_port: 30080,
        }],
        health_check: None,
    };
    client.create_load_balancer(&balancer).await.unwrap();
    client.delete_ssh_key("k").await.unwrap();
    client.delete_block("b").await.unwrap();
    client.delete_load_balancer("l").await.unwrap();
    let asked: Vec<_> = server
        .seen()
        .into_iter()
        .map(|seen| (seen.line, seen.body))
        .collect();
    let expected = [
        (
            "POST /v2/ssh-keys",
            json!({"name": "n", "ssh_key": "ssh-ed25519 AAAA"}),
        ),
        (
            "POST /v2/blocks",
            json!({"region": "ams", "label": "l", "size_gb": 10, "block_type": "high_perf"}),
        ),
        (
            "POST /v2/blocks/b/attach",
            json!({"instance_id": "i", "live": true}),
        ),
        ("POST /v2/blocks/b/detach", json!({"live": true})),
        (
            "POST /v2/load-balancers",
            json!({
                "region": "ams", "label": "l", "vpc": "v", "instances": [],
                "forwarding_rules": [{"frontend_protocol": "tcp", "frontend_port": 80, "backend_protocol": "tcp", "backend_port": 30080}],
            }),
        ),
        ("DELETE /v2/ssh-keys/k", Value::Null),
        ("DELETE /v2/blocks/b", Value::Null),
        ("DELETE /v2/load-balancers/l", Value::Null),
    ];
    for (got, (line, body)) in asked.iter().zip(expected) {
        assert_eq!((got.0.as_str(), &got.1), (line, &body));
    }
    assert_eq!(asked.len(), 8);
}
