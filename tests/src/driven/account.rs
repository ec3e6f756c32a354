//! The emulated account as a test sees and disturbs it.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::{Call, Sandbox};

/// The account, over one connection.
#[derive(Clone, Debug)]
pub struct Account {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Account {
    /// The account of a sandbox.
    pub fn of(sandbox: &Sandbox) -> Result<Self> {
        Ok(Self {
            // Loopback only: no proxy, and no time lost on reading the machine's certificate authorities.
            http: reqwest::Client::builder()
                .no_proxy()
                .tls_certs_only([])
                .build()?,
            url: sandbox.api_url().to_owned(),
            key: sandbox.api_key().to_owned(),
        })
    }

    /// A call as a person at the console makes it: the status and the body.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value)> {
        let url = format!("{}/{path}", self.url);
        let mut request = self
            .http
            .request(method.parse()?, url)
            .bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text)?
        };
        Ok((status, body))
    }

    /// A call that must succeed.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        match self.send(method, path, body).await? {
            (200..300, body) => Ok(body),
            (status, body) => bail!("{method} {path}: {status} {body}"),
        }
    }

    /// Every object, as `snapshot` lists them.
    pub async fn objects(&self) -> Result<Vec<Value>> {
        let snapshot = self.call("GET", "_sandbox/snapshot", None).await?;
        let objects = snapshot["objects"].as_array();
        Ok(objects.context("a snapshot without objects")?.clone())
    }

    /// The clusters with this label, whole.
    pub async fn clusters(&self, label: &str) -> Result<Vec<Value>> {
        let path = "v2/kubernetes/clusters?per_page=500";
        let listed = self.call("GET", path, None).await?;
        let clusters = listed["vke_clusters"].as_array().cloned();
        let mut clusters = clusters.context("no list of clusters")?;
        clusters.retain(|cluster| cluster["label"] == label);
        Ok(clusters)
    }

    /// Orders a fault.
    pub async fn fault(&self, order: &Value) -> Result<()> {
        self.call("POST", "_sandbox/faults", Some(order))
            .await
            .map(drop)
    }

    /// Takes every fault back.
    pub async fn clear_faults(&self) -> Result<()> {
        self.call("DELETE", "_sandbox/faults", None).await.map(drop)
    }

    /// The number of the newest call.
    pub async fn newest_call(&self) -> Result<u64> {
        let newest = self.call("GET", "_sandbox/journal/newest", None).await?;
        newest["n"].as_u64().context("the journal has no count")
    }

    /// Calls after number `since`.
    pub async fn calls(&self, since: u64) -> Result<Vec<Call>> {
        let path = format!("_sandbox/journal?since={since}");
        Ok(serde_json::from_value(
            self.call("GET", &path, None).await?,
        )?)
    }

    /// Whether anything in the account contradicts anything else.
    pub async fn check(&self) -> Result<()> {
        let (_, health) = self.send("GET", "_sandbox/health", None).await?;
        if health["contradictions"] != json!([]) {
            bail!("the emulated account contradicts itself: {health}");
        }
        Ok(())
    }
}
