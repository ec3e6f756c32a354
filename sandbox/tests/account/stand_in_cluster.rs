//! The stand-in for a cluster's API server, read by a real Kubernetes client with the kubeconfig that the account gives out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod, Secret};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use slipway_sandbox::account::{Account, AccountOptions, ApiServer, Clock, Pace, serve};
use slipway_sandbox::records::Records;

const KEY: &str = "KEY-OF-THIS-TEST";

/// An account of records whose time runs so fast that a cluster is up in a moment.
struct Ground {
    server: ApiServer,
    http: reqwest::Client,
    account: Account,
}

impl Ground {
    async fn open() -> Self {
        let options = AccountOptions {
            api_key: KEY.to_owned(),
            seed: 5,
            slot: 0,
            hold: Duration::from_millis(50),
            rate_limit: 0,
        };
        let clock = Clock::new(jiff::Timestamp::UNIX_EPOCH, Pace::Scaled(60_000.0));
        let account = Account::open(options, clock, Arc::new(Records::default()));
        let server = serve(&account, "127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            server,
            http,
            account,
        }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("http://{}/v2{path}", self.server.address());
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .bearer_auth(KEY);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn cluster(&self) -> String {
        let vpc = self
            .call("POST", "/vpcs", Some(json!({"region": "ams"})))
            .await;
        let mut wish = crate::cloud::cluster_wish(vpc["vpc"]["id"].as_str().unwrap());
        wish["version"] = json!("v1.35.8+1");
        let made = self.call("POST", "/kubernetes/clusters", Some(wish)).await;
        let id = made["vke_cluster"]["id"].as_str().unwrap().to_owned();
        let path = format!("/kubernetes/clusters/{id}");
        until("an active cluster", async || {
            self.call("GET", &path, None).await["vke_cluster"]["status"] == "active"
        })
        .await;
        id
    }

    async fn client(&self, cluster: &str) -> kube::Client {
        let path = format!("/kubernetes/clusters/{cluster}/config");
        let answer = self.call("GET", &path, None).await;
        let text = STANDARD
            .decode(answer["kube_config"].as_str().unwrap())
            .unwrap();
        let kubeconfig = Kubeconfig::from_yaml(&String::from_utf8(text).unwrap()).unwrap();
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
        kube::Client::try_from(config.unwrap()).unwrap()
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn kubelet(node: &Node) -> &str {
    let info = node
        .status
        .as_ref()
        .and_then(|status| status.node_info.as_ref());
    info.map_or("", |info| info.kubelet_version.as_str())
}

#[tokio::test]
async fn a_client_sees_the_accounts_nodes_and_cordons_them() {
    let ground = Ground::open().await;
    let cluster = ground.cluster().await;
    let client = ground.client(&cluster).await;
    let version = client.apiserver_version().await.unwrap();
    assert_eq!(
        (version.minor.as_str(), version.git_version.as_str()),
        ("35", "v1.35.8")
    );

    let api: Api<Node> = Api::all(client.clone());
    until("two nodes", async || {
        api.list(&ListParams::default()).await.unwrap().items.len() == 2
    })
    .await;
    let of_pool = ListParams::default().labels("vke.vultr.com/node-pool=general");
    let nodes = api.list(&of_pool).await.unwrap().items;
    assert_eq!(nodes.len(), 2);
    let of_another = ListParams::default().labels("vke.vultr.com/node-pool=other");
    assert!(api.list(&of_another).await.unwrap().items.is_empty());
    let node = &nodes[0];
    let (name, spec) = (
        node.metadata.name.clone().unwrap(),
        node.spec.clone().unwrap(),
    );
    let id = spec.provider_id.unwrap();
    let listed = ground.call("GET", "/instances", None).await.to_string();
    assert!(listed.contains(id.trim_start_matches("vultr://")), "{id}");
    assert_eq!(spec.taints.unwrap()[0].key, "a");
    assert_eq!(kubelet(node), "v1.35.8");
    let ready = node.status.as_ref().unwrap().conditions.as_ref().unwrap();
    assert_eq!(
        (ready[0].type_.as_str(), ready[0].status.as_str()),
        ("Ready", "True")
    );

    let cordon = json!({"spec": {"unschedulable": true}});
    let patched = api
        .patch(&name, &PatchParams::default(), &Patch::Merge(&cordon))
        .await;
    assert_eq!(patched.unwrap().spec.unwrap().unschedulable, Some(true));
    assert_eq!(
        api.get(&name).await.unwrap().spec.unwrap().unschedulable,
        Some(true)
    );
    let other = json!({"metadata": {"labels": {"x": "y"}}});
    let refused = api
        .patch(&name, &PatchParams::default(), &Patch::Merge(&other))
        .await;
    assert!(refused.unwrap_err().to_string().contains("unschedulable"));
    assert!(api.get_opt("unknown").await.unwrap().is_none());
}

#[tokio::test]
async fn nothing_else_is_in_the_cluster() {
    let ground = Ground::open().await;
    let cluster = ground.cluster().await;
    let client = ground.client(&cluster).await;
    let all = ListParams::default();
    assert!(
        Api::<Pod>::all(client.clone())
            .list(&all)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let budgets = Api::<PodDisruptionBudget>::all(client.clone());
    assert!(budgets.list(&all).await.unwrap().items.is_empty());
    let maps = Api::<ConfigMap>::namespaced(client.clone(), "slipway-system");
    assert!(maps.list(&all).await.unwrap().items.is_empty());
    assert!(maps.get_opt("minio").await.unwrap().is_none());
    let secrets = Api::<Secret>::namespaced(client.clone(), "slipway-system");
    assert!(secrets.get_opt("claim-store").await.unwrap().is_none());

    ground
        .call("DELETE", &format!("/kubernetes/clusters/{cluster}"), None)
        .await;
    assert!(
        client.apiserver_version().await.is_err(),
        "a deleted cluster answers"
    );
}

#[tokio::test]
async fn an_upgrade_is_seen_node_by_node() {
    let ground = Ground::open().await;
    let cluster = ground.cluster().await;
    let client = ground.client(&cluster).await;
    let api: Api<Node> = Api::all(client.clone());
    let path = format!("/kubernetes/clusters/{cluster}/upgrades");
    let wish = json!({"upgrade_version": "v1.36.5+1"});
    ground.call("POST", &path, Some(wish)).await;
    until("nodes of the new version", async || {
        let nodes = api.list(&ListParams::default()).await.unwrap().items;
        nodes.len() == 2 && nodes.iter().all(|node| kubelet(node) == "v1.36.5")
    })
    .await;
    let version = client.apiserver_version().await.unwrap();
    assert_eq!(version.git_version, "v1.36.5");
    ground.account.close().await.unwrap();
}
