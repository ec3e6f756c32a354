//! The calls of the vendor's provider, as it was seen to make them.

use anyhow::Result;
use serde_json::{Value, json};
use slipway_tests::{Sandbox, until};

use super::{PLAN, text};

/// The calls of the vendor's provider.
pub(super) struct Vendor<'a> {
    sandbox: &'a Sandbox,
    pub(super) vpc: String,
    pub(super) cluster: String,
}

impl<'a> Vendor<'a> {
    /// `vultr_vpc` and `vultr_kubernetes` in it, active.
    pub(super) fn apply(sandbox: &'a Sandbox) -> Result<Self> {
        let vpc = json!({"region": "ams", "description": "vendor"});
        let vpc = sandbox.call("POST", "vpcs", Some(&vpc))?;
        let vpc = text(&vpc["vpc"]["id"]).to_owned();
        let cluster = json!({
            "label": "vendor", "region": "ams", "version": "v1.35.8+1", "vpc_id": vpc,
            "node_pools": [{"node_quantity": 1, "label": "pool", "plan": PLAN, "tag": "tf-vke-default", "min_nodes": 1, "max_nodes": 3, "auto_scaler": true, "user_data": ""}],
        });
        let cluster = sandbox.call("POST", "kubernetes/clusters", Some(&cluster))?;
        let cluster = text(&cluster["vke_cluster"]["id"]).to_owned();
        let vendor = Self {
            sandbox,
            vpc,
            cluster,
        };
        until("the vendor's cluster is active", || {
            Ok(vendor.read()?["status"] == "active")
        })?;
        Ok(vendor)
    }

    pub(super) fn path(&self) -> String {
        format!("kubernetes/clusters/{}", self.cluster)
    }

    pub(super) fn pool_path(&self) -> Result<String> {
        let pool = &self.read()?["node_pools"][0]["id"];
        Ok(format!("{}/node-pools/{}", self.path(), text(pool)))
    }

    pub(super) fn read(&self) -> Result<Value> {
        Ok(self.sandbox.call("GET", &self.path(), None)?["vke_cluster"].clone())
    }

    /// Its destroy: one call, and no look at what became of it.
    pub(super) fn destroy(&self) -> Result<()> {
        self.sandbox.call("DELETE", &self.path(), None).map(drop)
    }
}
