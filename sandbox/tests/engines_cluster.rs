//! A cluster of the sandbox is a real API server with real controllers, and what the vendor runs in it is played.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ground;

use std::time::{Duration, Instant};

use ground::sockets::foreign_addresses;
use ground::{Ground, node};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{
    ConfigMap, Namespace, Node, PersistentVolumeClaim, Pod, Secret, Service,
};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use slipway_sandbox::world::Engines;

const PATIENCE: Duration = Duration::from_secs(90);

async fn connect(kubeconfig: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

async fn until<F: AsyncFnMut() -> bool>(what: &str, mut condition: F) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn create<K>(api: &Api<K>, object: serde_json::Value)
where
    K: kube::Resource + Clone + serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug,
{
    api.create(
        &PostParams::default(),
        &serde_json::from_value(object).unwrap(),
    )
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_runs_workloads_and_the_cloud_is_played_for_it() {
    let ground = Ground::new().await;
    let started = Instant::now();
    let access = ground
        .engines
        .start_cluster(ground.cluster("c1", "v1.36.1+2", 1))
        .await
        .unwrap();
    eprintln!("cluster after {:?}", started.elapsed());
    let again = ground
        .engines
        .start_cluster(ground.cluster("c1", "v1.36.1+2", 1))
        .await
        .unwrap();
    assert_eq!(
        again.kubeconfig, access.kubeconfig,
        "asking again changes nothing"
    );

    let nodes = vec![
        node("general-1", "general-restricted", false),
        node("memory-1", "memory", true),
    ];
    ground.engines.set_nodes("c1", nodes.clone()).await.unwrap();
    eprintln!("nodes after {:?}", started.elapsed());
    let client = connect(&access.kubeconfig).await;
    let api: Api<Node> = Api::all(client.clone());
    let general = api.get("general-1").await.unwrap();
    assert_eq!(
        general.labels()["vke.vultr.com/node-pool"],
        "general-restricted"
    );
    assert_eq!(
        general.spec.as_ref().unwrap().provider_id.as_deref(),
        Some("vultr://instance-of-general-1")
    );
    let info = general.status.unwrap().node_info.unwrap();
    assert_eq!(info.kubelet_version, "v1.36.1");

    a_call_into_the_cluster_is_refused_here(&client).await;
    a_database_gets_its_volume(&ground, &client).await;
    a_store_is_served(&ground, &client).await;

    ground
        .engines
        .set_nodes("c1", nodes[..1].to_vec())
        .await
        .unwrap();
    assert_eq!(
        api.list(&ListParams::default()).await.unwrap().items.len(),
        1
    );
    Api::<Namespace>::all(client.clone())
        .delete("minio", &DeleteParams::default())
        .await
        .unwrap();
    until(
        "the namespace's load balancer and volume are gone from the account",
        async || {
            ground.ledger.load_balancers.lock().unwrap().is_empty()
                && ground.ledger.blocks.lock().unwrap().is_empty()
        },
    )
    .await;
    let stopping = Instant::now();
    ground.engines.shutdown().await.unwrap();
    eprintln!("stopped in {:?}", stopping.elapsed());
    assert_eq!(ground.processes.running().unwrap(), Vec::new());
}

/// A `StatefulSet` that only the tainted pool may take: scheduling, volume, attachment, readiness.
async fn a_database_gets_its_volume(ground: &Ground, client: &Client) {
    create(
        &Api::<Namespace>::all(client.clone()),
        json!({ "metadata": { "name": "minio" } }),
    )
    .await;
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), "minio");
    create(
        &sets,
        json!({
            "metadata": { "name": "database" },
            "spec": {
                "replicas": 1,
                "serviceName": "database",
                "selector": { "matchLabels": { "app": "database" } },
                "template": {
                    "metadata": { "labels": { "app": "database" } },
                    "spec": {
                        "nodeSelector": { "slipway.dev/pool": "memory" },
                        "tolerations": [{ "key": "slipway.dev/pool", "operator": "Exists" }],
                        "containers": [{
                            "name": "database", "image": "database",
                            "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
                        }],
                    },
                },
                "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Delete", "whenScaled": "Delete" },
                "volumeClaimTemplates": [{
                    "metadata": { "name": "data" },
                    "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
                }],
            },
        }),
    )
    .await;
    until("the database is ready", async || {
        let status = sets
            .get("database")
            .await
            .unwrap()
            .status
            .unwrap_or_default();
        status.ready_replicas == Some(1)
    })
    .await;
    let pod = Api::<Pod>::namespaced(client.clone(), "minio")
        .get("database-0")
        .await
        .unwrap();
    assert_eq!(pod.spec.unwrap().node_name.as_deref(), Some("memory-1"));
    let claim = Api::<PersistentVolumeClaim>::namespaced(client.clone(), "minio")
        .get("data-database-0")
        .await
        .unwrap();
    let (wish, _) = ground
        .ledger
        .blocks
        .lock()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .clone();
    assert_eq!(wish.size_gb, 10, "the vendor's smallest volume");
    assert!(
        wish.label.starts_with("pvc-") && wish.label.len() == 20,
        "{}",
        wish.label
    );
    assert_eq!(claim.spec.unwrap().volume_name, Some(wish.label));
    until("the volume is attached", async || {
        ground
            .ledger
            .blocks
            .lock()
            .unwrap()
            .values()
            .all(|(_, view)| view.attached_to.is_some())
    })
    .await;
}

/// The object store answers with the Secret's keys, follows a change of them, and ends with its Service.
async fn a_store_is_served(ground: &Ground, client: &Client) {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "minio");
    let keys = |secret: &str| json!({ "stringData": { "access_key": "root-of-test", "secret_key": secret } });
    let mut secret = keys("first-secret");
    secret["metadata"] = json!({ "name": "object-store-root" });
    create(&secrets, secret).await;
    let services: Api<Service> = Api::namespaced(client.clone(), "minio");
    create(
        &services,
        json!({
            "metadata": { "name": "object-store" },
            "spec": { "type": "LoadBalancer", "ports": [{ "name": "s3", "port": 9000 }] },
        }),
    )
    .await;
    until("the Service has an address", async || {
        !ground.ledger.load_balancers.lock().unwrap().is_empty()
    })
    .await;
    let (wish, view) = ground
        .ledger
        .load_balancers
        .lock()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .clone();
    let uid = services.get("object-store").await.unwrap().uid().unwrap();
    assert_eq!(wish.label, format!("a{}", uid.replace('-', "")));
    assert_eq!(wish.instances.len(), 2);
    let health = format!("http://{}:9000/minio/health/ready", view.address);
    until("the object store answers", async || {
        reqwest::get(&health)
            .await
            .is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    let before = ground.processes.running().unwrap();
    let pids: Vec<i32> = before.iter().map(|process| process.pid).collect();
    assert_eq!(foreign_addresses(&pids), Vec::<String>::new());
    for process in &before {
        let environment =
            std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&environment).contains("first-secret"),
            "{process:?}"
        );
    }
    secrets
        .patch(
            "object-store-root",
            &PatchParams::default(),
            &Patch::Merge(keys("second-secret")),
        )
        .await
        .unwrap();
    until("the object store runs with the new keys", async || {
        let now = ground.processes.running().unwrap();
        now.iter()
            .any(|process| process.name.ends_with("minio") && !before.contains(process))
            && reqwest::get(&health)
                .await
                .is_ok_and(|answer| answer.status() == 200)
    })
    .await;
}

/// A webhook's pods are fake: the call must neither leave the machine nor hang.
async fn a_call_into_the_cluster_is_refused_here(client: &Client) {
    let webhooks: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    create(
        &webhooks,
        json!({
            "metadata": { "name": "nobody" },
            "webhooks": [{
                "name": "nobody.slipway.dev",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "clientConfig": { "url": "https://10.96.200.200:443/validate" },
                "rules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"],
                }],
            }],
        }),
    )
    .await;
    let object: ConfigMap =
        serde_json::from_value(json!({ "metadata": { "name": "checked" } })).unwrap();
    let configs: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let started = Instant::now();
    let mut refusal = String::new();
    until("the webhook is asked", async || {
        match configs.create(&PostParams::default(), &object).await {
            Ok(_) => configs
                .delete("checked", &DeleteParams::default())
                .await
                .is_err(),
            Err(error) => {
                refusal = error.to_string();
                true
            }
        }
    })
    .await;
    eprintln!("refused after {:?}: {refusal}", started.elapsed());
    assert!(refusal.contains("stand-in"), "{refusal}");
    webhooks
        .delete("nobody", &DeleteParams::default())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_share_nothing_and_one_is_upgraded() {
    let ground = Ground::new().await;
    let started = Instant::now();
    let (old, new) = tokio::join!(
        ground
            .engines
            .start_cluster(ground.cluster("old", "v1.35.8+1", 1)),
        ground
            .engines
            .start_cluster(ground.cluster("new", "v1.36.5+1", 2)),
    );
    eprintln!("two clusters after {:?}", started.elapsed());
    let (old, new) = (
        connect(&old.unwrap().kubeconfig).await,
        connect(&new.unwrap().kubeconfig).await,
    );
    create(
        &Api::<Namespace>::all(old.clone()),
        json!({ "metadata": { "name": "kept" } }),
    )
    .await;
    assert!(
        Api::<Namespace>::all(new.clone())
            .get_opt("kept")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(minor(&old).await, "35");
    ground
        .engines
        .set_nodes("old", vec![node("general-1", "general-restricted", false)])
        .await
        .unwrap();

    ground
        .engines
        .upgrade_cluster("old", "v1.36.5+1")
        .await
        .unwrap();
    ground
        .engines
        .set_nodes("old", vec![node("general-2", "general-restricted", false)])
        .await
        .unwrap();
    assert_eq!(minor(&old).await, "36");
    assert!(
        Api::<Namespace>::all(old.clone())
            .get_opt("kept")
            .await
            .unwrap()
            .is_some(),
        "objects stay"
    );
    let nodes = Api::<Node>::all(old.clone())
        .list(&ListParams::default())
        .await
        .unwrap();
    let versions: Vec<_> = nodes
        .iter()
        .map(|node| {
            node.status
                .clone()
                .unwrap()
                .node_info
                .unwrap()
                .kubelet_version
        })
        .collect();
    assert_eq!(versions, ["v1.36.5"]);

    let processes = ground.processes.running().unwrap();
    let api_server = processes
        .iter()
        .find(|process| process.name == "new-kube-apiserver")
        .unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(api_server.pid),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    until("the killed API server is back", async || {
        Api::<Namespace>::all(new.clone())
            .get_opt("default")
            .await
            .is_ok_and(|namespace| namespace.is_some())
    })
    .await;
    ground.engines.stop_cluster("new").await.unwrap();
    ground.engines.stop_cluster("new").await.unwrap();
    ground.engines.shutdown().await.unwrap();
    assert_eq!(ground.processes.running().unwrap(), Vec::new());
}

/// The minor version that the API server plays.
async fn minor(client: &Client) -> String {
    let request = axum::http::Request::get("/version")
        .body(Vec::new())
        .unwrap();
    let version: serde_json::Value = client.request(request).await.unwrap();
    version["emulationMinor"].as_str().unwrap().to_owned()
}
