//! Every object of the account in one form: what `snapshot` lists and `diff` compares.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::State;
use crate::account::catalogue;

/// How an owner mark begins; it ends before the next space or colon.
const MARK: &str = "slipway:";

/// The account at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The account's time.
    pub taken_at: Timestamp,
    /// Price of everything for a month.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub monthly_usd: Decimal,
    /// Everything, kind by kind, each in the order of creation.
    pub objects: Vec<Object>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// `vpc`, `cluster`, `node_pool`, `node`, `instance`, `load_balancer`, `block`, `ssh_key`, `nat_gateway`, `firewall_group`,
    /// `vfs`, `snapshot`, `reserved_ip` or `startup_script`.
    pub kind: String,
    /// Id in the account.
    pub id: String,
    /// Label, description or name.
    pub label: String,
    /// Region, where the kind has one.
    pub region: String,
    /// Status word of the API.
    pub status: String,
    /// Owner mark (`slipway:<id>`), empty when there is none.
    pub mark: String,
    /// Plan, version, size or subnet.
    pub what: String,
    /// Cluster that it belongs to, also when that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// Price for a month. A pool's price is its nodes'.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub monthly_usd: Decimal,
    /// When it was made.
    pub created: Timestamp,
    /// What went wrong in the engines, if anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// The owner mark in a text.
pub(super) fn mark_in(text: &str) -> String {
    let Some(at) = text.find(MARK) else {
        return String::new();
    };
    let owner = &text[at + MARK.len()..];
    let end = owner.find([' ', ':', ',']).unwrap_or(owner.len());
    format!("{MARK}{}", &owner[..end])
}

fn status(active: bool) -> String {
    if active { "active" } else { "pending" }.to_owned()
}

impl State {
    /// Every object.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut objects = self.network_objects();
        objects.extend(self.cluster_objects());
        objects.extend(self.machine_objects());
        objects.extend(self.storage_objects());
        objects.extend(self.lesser_objects());
        Snapshot {
            taken_at: self.now,
            monthly_usd: objects.iter().map(|object| object.monthly_usd).sum(),
            objects,
        }
    }

    /// Owner mark of a cluster.
    pub(super) fn mark_of_cluster(&self, id: &str) -> String {
        self.clusters
            .get(id)
            .map_or_else(String::new, |cluster| mark_in(&cluster.label))
    }

    fn network_objects(&self) -> Vec<Object> {
        let vpcs = self.vpcs.iter().map(|vpc| Object {
            kind: "vpc".to_owned(),
            id: vpc.id.clone(),
            label: vpc.description.clone(),
            region: vpc.region.clone(),
            status: status(true),
            mark: mark_in(&vpc.description),
            what: vpc.cidr(),
            cluster_id: None,
            monthly_usd: Decimal::ZERO,
            created: vpc.created,
            trouble: None,
        });
        let balancers = self.load_balancers.iter().map(|balancer| Object {
            kind: "load_balancer".to_owned(),
            id: balancer.id.clone(),
            label: balancer.label.clone(),
            region: balancer.region.clone(),
            status: status(balancer.active),
            mark: if balancer.cluster_mark.is_empty() {
                mark_in(&balancer.label)
            } else {
                balancer.cluster_mark.clone()
            },
            what: format!("{} node(s)", balancer.nodes),
            cluster_id: balancer.cluster_id.clone(),
            monthly_usd: catalogue::load_balancer(balancer.nodes).monthly,
            created: balancer.created,
            trouble: None,
        });
        vpcs.chain(balancers).collect()
    }

    fn cluster_objects(&self) -> Vec<Object> {
        let clusters = self.clusters.iter().map(|cluster| Object {
            kind: "cluster".to_owned(),
            id: cluster.id.clone(),
            label: cluster.label.clone(),
            region: cluster.region.clone(),
            status: status(cluster.active),
            mark: mark_in(&cluster.label),
            what: cluster.version.clone(),
            cluster_id: None,
            monthly_usd: if cluster.ha_controlplanes {
                catalogue::ha_control_plane().monthly
            } else {
                Decimal::ZERO
            },
            created: cluster.created,
            trouble: cluster.trouble.clone(),
        });
        let pools = self.pools.iter().map(|pool| Object {
            kind: "node_pool".to_owned(),
            id: pool.id.clone(),
            label: pool.label.clone(),
            region: self
                .clusters
                .get(&pool.cluster_id)
                .map_or_else(String::new, |cluster| cluster.region.clone()),
            status: status(self.pool_is_active(&pool.id)),
            mark: mark_in(&pool.tag),
            what: format!("{} x {}", pool.quantity, pool.plan),
            cluster_id: Some(pool.cluster_id.clone()),
            monthly_usd: Decimal::ZERO,
            created: pool.created,
            trouble: None,
        });
        clusters.chain(pools).collect()
    }

    /// Whether all nodes of a pool are up.
    pub(crate) fn pool_is_active(&self, pool_id: &str) -> bool {
        self.nodes_of(pool_id)
            .iter()
            .all(|id| self.instances.get(id).is_some_and(|node| node.active))
    }

    fn machine_objects(&self) -> Vec<Object> {
        let object = |instance: &super::Instance| {
            let role = instance.node.as_ref();
            let pool_mark = role
                .and_then(|role| self.pools.get(&role.pool_id))
                .map(|pool| mark_in(&pool.tag));
            let own_mark = instance
                .tags
                .iter()
                .map(String::as_str)
                .chain([instance.label.as_str()])
                .map(mark_in);
            Object {
                kind: if role.is_some() { "node" } else { "instance" }.to_owned(),
                id: instance.id.clone(),
                label: instance.label.clone(),
                region: instance.region.clone(),
                status: status(instance.active),
                mark: pool_mark
                    .into_iter()
                    .chain(own_mark)
                    .find(|mark| !mark.is_empty())
                    .unwrap_or_default(),
                what: instance.plan.id.to_owned(),
                cluster_id: role.map(|role| role.cluster_id.clone()),
                monthly_usd: instance.plan.price().monthly,
                created: instance.created,
                trouble: instance.trouble.clone(),
            }
        };
        self.instances.iter().map(object).collect()
    }

    fn storage_objects(&self) -> Vec<Object> {
        let blocks = self.blocks.iter().map(|block| Object {
            kind: "block".to_owned(),
            id: block.id.clone(),
            label: block.label.clone(),
            region: block.region.clone(),
            status: status(block.active),
            mark: if block.cluster_mark.is_empty() {
                mark_in(&block.label)
            } else {
                block.cluster_mark.clone()
            },
            what: block.kind.of_size(block.size_gb),
            cluster_id: block.cluster_id.clone(),
            monthly_usd: block.kind.price(block.size_gb).monthly,
            created: block.created,
            trouble: None,
        });
        let keys = self.ssh_keys.iter().map(|key| Object {
            kind: "ssh_key".to_owned(),
            id: key.id.clone(),
            label: key.name.clone(),
            region: String::new(),
            status: status(true),
            mark: mark_in(&key.name),
            what: key
                .public_key
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned(),
            cluster_id: None,
            monthly_usd: Decimal::ZERO,
            created: key.created,
            trouble: None,
        });
        blocks.chain(keys).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::mark_in;

    #[test]
    fn a_mark_ends_before_what_follows_it() {
        assert_eq!(mark_in("slipway:acme"), "slipway:acme");
        assert_eq!(mark_in("slipway:acme (creating)"), "slipway:acme");
        assert_eq!(mark_in("slipway:acme:bootstrap"), "slipway:acme");
        assert_eq!(mark_in("a8c1"), "");
    }
}
