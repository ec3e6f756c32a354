//! An account of the test's own, and engines that write down what they are asked.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_sandbox::account::{Account, AccountOptions, ApiServer, Clock, Pace, serve};
use slipway_sandbox::world::{
    AccountHandle, ClusterAccess, ClusterSpec, Disturbance, Engines, InstanceSpec, NodeSpec,
};

const KEY: &str = "KEY-OF-THIS-TEST";
const PATIENCE: Duration = Duration::from_secs(10);

/// What the account asked of its engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Start(String),
    Upgrade(String),
    Stop(String),
    Nodes(usize),
    Boot { label: Vec<u8>, keys: usize },
    Power(&'static str),
    Disturb(Disturbance),
    BalancerGone,
}

/// Engines that run nothing and remember everything.
#[derive(Default)]
pub(crate) struct Notebook {
    asked: Mutex<Vec<Asked>>,
    account: Mutex<Option<Arc<dyn AccountHandle>>>,
}

impl Notebook {
    fn note(&self, asked: Asked) {
        self.asked.lock().unwrap().push(asked);
    }
}

#[async_trait]
impl Engines for Notebook {
    fn attach(&self, account: Arc<dyn AccountHandle>) {
        *self.account.lock().unwrap() = Some(account);
    }
    fn chart_mirror(&self) -> Option<String> {
        None
    }
    fn stand_ins(&self) -> Vec<String> {
        Vec::new()
    }
    async fn start_cluster(&self, spec: ClusterSpec) -> anyhow::Result<ClusterAccess> {
        self.note(Asked::Start(spec.version));
        Ok(ClusterAccess {
            kubeconfig: "apiVersion: v1\n".to_owned(),
            ip: spec.address,
        })
    }
    async fn upgrade_cluster(&self, _id: &str, version: &str) -> anyhow::Result<()> {
        self.note(Asked::Upgrade(version.to_owned()));
        Ok(())
    }
    async fn stop_cluster(&self, id: &str) -> anyhow::Result<()> {
        self.note(Asked::Stop(id.to_owned()));
        Ok(())
    }
    async fn set_nodes(&self, _id: &str, nodes: Vec<NodeSpec>) -> anyhow::Result<()> {
        self.note(Asked::Nodes(nodes.len()));
        Ok(())
    }
    async fn start_instance(&self, spec: InstanceSpec) -> anyhow::Result<()> {
        self.note(Asked::Boot {
            label: spec.user_data,
            keys: spec.ssh_keys.len(),
        });
        Ok(())
    }
    async fn resume_instance(&self, _id: &str) -> anyhow::Result<()> {
        self.note(Asked::Power("resume"));
        Ok(())
    }
    async fn halt_instance(&self, _id: &str) -> anyhow::Result<()> {
        self.note(Asked::Power("halt"));
        Ok(())
    }
    async fn reboot_instance(&self, _id: &str) -> anyhow::Result<()> {
        self.note(Asked::Power("reboot"));
        Ok(())
    }
    async fn destroy_instance(&self, _id: &str) -> anyhow::Result<()> {
        self.note(Asked::Power("destroy"));
        Ok(())
    }
    async fn disturb_instance(&self, _id: &str, how: Disturbance) -> anyhow::Result<()> {
        self.note(Asked::Disturb(how));
        Ok(())
    }
    async fn load_balancer_gone(&self, _id: &str) -> anyhow::Result<()> {
        self.note(Asked::BalancerGone);
        Ok(())
    }
    async fn shutdown(&self) -> anyhow::Result<()> {
        self.account.lock().unwrap().take();
        Ok(())
    }
}

/// A running account.
pub(crate) struct Cloud {
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    notebook: Arc<Notebook>,
    _server: ApiServer,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    /// The body of a success.
    pub(crate) fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// Status and words of a refusal; checks that the body has the vendor's form.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        assert_eq!(self.body["status"], self.status, "{self:?}");
        (
            self.status,
            self.body["error"].as_str().expect("an error text"),
        )
    }
}

impl Cloud {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(adapt: impl FnOnce(&mut AccountOptions)) -> Self {
        let mut options = AccountOptions {
            api_key: KEY.to_owned(),
            seed: 11,
            slot: 0,
            hold: Duration::from_millis(50),
            rate_limit: 0,
        };
        adapt(&mut options);
        let start: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let notebook = Arc::new(Notebook::default());
        let account = Account::open(options, Clock::new(start, Pace::Stepped), notebook.clone());
        let server = serve(&account, "127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let url = format!("http://{}", server.address());
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self {
            url,
            http,
            notebook,
            _server: server,
        }
    }

    /// A call as any client makes it, with what went wrong on the way.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<reqwest::Response> {
        let url = if path.starts_with("/_sandbox") {
            format!("{}{path}", self.url)
        } else {
            format!("{}/v2{path}", self.url)
        };
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .bearer_auth(KEY);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let response = self.send(method, path, body).await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).expect(&text)
        };
        Reply { status, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await.ok()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.call("POST", path, Some(body)).await.ok()
    }

    pub(crate) async fn delete(&self, path: &str) {
        let reply = self.call("DELETE", path, None).await;
        assert_eq!((reply.status, &reply.body), (204, &Value::Null));
    }

    pub(crate) async fn fault(&self, fault: Value) {
        self.post("/_sandbox/faults", fault).await;
    }

    pub(crate) async fn clear_faults(&self) {
        self.delete("/_sandbox/faults").await;
    }

    /// Moves the account's time on.
    pub(crate) async fn advance(&self, seconds: u64) {
        self.post("/_sandbox/clock", json!({"advance_s": seconds}))
            .await;
    }

    /// Ids of a list in its order.
    pub(crate) async fn ids(&self, path: &str, key: &str) -> Vec<String> {
        let listed = self.get(path).await;
        listed[key]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What the engines were asked, once `enough` says so: they are asked behind the answers.
    pub(crate) async fn asked(&self, enough: impl Fn(&[Asked]) -> bool) -> Vec<Asked> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asked = self.notebook.asked.lock().unwrap().clone();
            if enough(&asked) {
                return asked;
            }
            assert!(
                Instant::now() < deadline,
                "the engines were asked only {asked:?}"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until something holds that happens behind an answer.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds().await {
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The account as the stand-ins in a cluster use it.
    pub(crate) fn inside(&self) -> Arc<dyn AccountHandle> {
        self.notebook.account.lock().unwrap().clone().unwrap()
    }

    pub(crate) async fn vpc(&self) -> String {
        let wish = json!({"region": "ams", "description": "slipway:acme", "v4_subnet": "10.20.0.0", "v4_subnet_mask": 24});
        let made = self.post("/vpcs", wish).await;
        made["vpc"]["id"].as_str().unwrap().to_owned()
    }

    /// A cluster of one pool of two nodes that is still pending.
    pub(crate) async fn pending_cluster(&self, vpc: &str) -> String {
        let made = self.post("/kubernetes/clusters", cluster_wish(vpc)).await;
        made["vke_cluster"]["id"].as_str().unwrap().to_owned()
    }

    /// A cluster that is active, and its pool.
    pub(crate) async fn cluster(&self, vpc: &str) -> (String, String) {
        let id = self.pending_cluster(vpc).await;
        let started = |asked: &[Asked]| asked.iter().any(|asked| matches!(asked, Asked::Start(_)));
        self.asked(started).await;
        self.advance(420).await;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let cluster = self.get(&format!("/kubernetes/clusters/{id}")).await;
            if cluster["vke_cluster"]["status"] == "active" {
                let pool = cluster["vke_cluster"]["node_pools"][0]["id"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                return (id, pool);
            }
            assert!(Instant::now() < deadline, "{cluster}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub(crate) async fn instance(&self, label: &str) -> String {
        let made = self.post("/instances", instance_wish(label)).await;
        made["instance"]["id"].as_str().unwrap().to_owned()
    }

    /// Nothing in the account contradicts anything else.
    pub(crate) async fn check(&self) {
        let health = self.call("GET", "/_sandbox/health", None).await;
        assert_eq!(
            (health.status, &health.body["contradictions"]),
            (200, &json!([]))
        );
    }
}

pub(crate) fn cluster_wish(vpc: &str) -> Value {
    json!({
        "label": "slipway:acme", "region": "ams", "version": "v1.36.5+1", "vpc_id": vpc,
        "node_pools": [{
            "label": "general", "plan": "vc2-2c-4gb", "node_quantity": 2, "tag": "slipway:acme",
            "labels": {"slipway.dev/pool": "general"},
            "taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}],
        }],
    })
}

pub(crate) fn instance_wish(label: &str) -> Value {
    json!({"region": "ams", "plan": "vc2-1c-2gb", "os_id": 2136, "label": label, "tags": null, "block_devices": null})
}
