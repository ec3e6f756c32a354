//! Things of somebody else's whose names look like ours. Nobody may touch them.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use slipway_tests::driven::Account;

/// Everything foreign that a sequence put into the account.
#[derive(Default)]
pub(crate) struct Foreign {
    made: Vec<Value>,
}

impl Foreign {
    /// Makes one, of a kind that the number chooses, named almost as this platform.
    pub(crate) async fn make(&mut self, account: &Account, which: usize, name: &str) -> Result<()> {
        let names = [
            format!("slipway:{name}x"),
            format!("slipway:{name}-2 (creating)"),
            format!("slipway-{name}"),
            format!("slipway:{}", &name[..name.len() - 1]),
        ];
        let label = &names[which % names.len()];
        let kinds = [
            (
                "vpcs",
                "vpc",
                json!({"region": "ams", "description": label}),
            ),
            (
                "blocks",
                "block",
                json!({"region": "ams", "size_gb": 10, "label": label}),
            ),
            (
                "load-balancers",
                "load_balancer",
                json!({"region": "ams", "label": label}),
            ),
            (
                "instances",
                "instance",
                json!({"region": "ams", "plan": "vc2-1c-2gb", "os_id": 2136, "label": label, "tags": [label]}),
            ),
            ("firewalls", "firewall_group", json!({"description": label})),
        ];
        let (path, key, body) = &kinds[(which / names.len()) % kinds.len()];
        let made = account
            .call("POST", &format!("v2/{path}"), Some(body))
            .await?;
        let id = made[key]["id"].as_str().context("no id")?;
        self.made
            .push(json!({"path": format!("v2/{path}/{id}"), "id": id, "label": label}));
        Ok(())
    }

    /// Whether an id is one of theirs.
    pub(crate) fn owns(&self, id: &Value) -> bool {
        self.made.iter().any(|made| made["id"] == *id)
    }

    /// Fails unless all are there as they were made.
    pub(crate) fn untouched(&self, objects: &[Value]) -> Result<()> {
        for made in &self.made {
            let found = objects.iter().find(|object| object["id"] == made["id"]);
            let found = found.with_context(|| format!("a foreign object is gone: {made}"))?;
            ensure!(
                found["label"] == made["label"],
                "a foreign object was changed: {found}"
            );
        }
        Ok(())
    }

    /// Takes all away.
    pub(crate) async fn clear(&mut self, account: &Account) -> Result<()> {
        for made in std::mem::take(&mut self.made) {
            let path = made["path"].as_str().unwrap_or_default();
            loop {
                match account.send("DELETE", path, None).await? {
                    (200..300 | 404, _) => break,
                    // Not ready to go yet: the account's clock runs on.
                    (400..600, _) => tokio::task::yield_now().await,
                    (status, body) => bail!("{path}: {status} {body}"),
                }
            }
        }
        Ok(())
    }
}
