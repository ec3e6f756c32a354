//! Node pools, their labels and taints.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::networks::RELEASE_OF_INSTANCE;
use super::pool_marks::{PoolLabel, PoolTaint, check_taint};
use crate::account::catalogue;
use crate::account::refusal::Refusal;
use crate::account::table::Row;
use crate::world::Taint;

/// Time from the request to active nodes.
pub(super) const NODE_CREATION: SignedDuration = SignedDuration::from_secs(3 * 60);

/// A node pool.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) id: String,
    pub(crate) cluster_id: String,
    pub(crate) label: String,
    pub(crate) plan: String,
    pub(crate) quantity: u32,
    pub(crate) min_nodes: u32,
    pub(crate) max_nodes: u32,
    pub(crate) auto_scaler: bool,
    pub(crate) tag: String,
    pub(crate) vpc_only: bool,
    pub(crate) user_data: String,
    pub(crate) labels: Vec<PoolLabel>,
    pub(crate) taints: Vec<PoolTaint>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Row for Pool {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid NodePool ID");

    fn id(&self) -> &str {
        &self.id
    }
}

/// What a new pool is asked to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolRequest {
    pub(crate) label: String,
    pub(crate) plan: String,
    pub(crate) quantity: u32,
    pub(crate) min_nodes: u32,
    pub(crate) max_nodes: u32,
    pub(crate) auto_scaler: bool,
    pub(crate) tag: String,
    pub(crate) vpc_only: bool,
    pub(crate) user_data: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) taints: Vec<Taint>,
}

/// What a pool is asked to become; absent means unchanged.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolChange {
    pub(crate) quantity: Option<u32>,
    pub(crate) min_nodes: Option<u32>,
    pub(crate) max_nodes: Option<u32>,
    pub(crate) auto_scaler: Option<bool>,
    pub(crate) tag: Option<String>,
    pub(crate) user_data: Option<String>,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) taints: Option<Vec<Taint>>,
}

impl State {
    /// Pools of a cluster in the order of creation.
    pub(crate) fn pools_of(&self, cluster_id: &str) -> impl Iterator<Item = &Pool> {
        self.pools
            .iter()
            .filter(move |pool| pool.cluster_id == cluster_id)
    }

    /// A pool of this cluster.
    pub(crate) fn pool_of(&self, cluster_id: &str, pool_id: &str) -> Result<&Pool, Refusal> {
        self.clusters.find(cluster_id)?;
        let pool = self.pools.find(pool_id)?;
        if pool.cluster_id == cluster_id {
            Ok(pool)
        } else {
            Err(Refusal::new(Pool::UNKNOWN.0, Pool::UNKNOWN.1))
        }
    }

    /// Makes a pool in a cluster that exists.
    pub(crate) fn create_pool(
        &mut self,
        cluster_id: &str,
        request: PoolRequest,
    ) -> Result<&Pool, Refusal> {
        let cluster = self.clusters.find(cluster_id)?;
        self.check_pool(&cluster.region, &request)?;
        if self
            .pools_of(cluster_id)
            .any(|pool| pool.label == request.label)
        {
            return Err(Refusal::invalid(
                "Node pool label already exists in this cluster",
            ));
        }
        self.check_quota(request.quantity)?;
        self.check_room(&cluster.nic.vpc_id, request.quantity)?;
        self.check_way_out(&cluster.nic.vpc_id, &request)?;
        let id = self.add_pool(cluster_id, request)?;
        self.pools.find(&id)
    }

    /// Refuses what no pool in this region can be.
    pub(super) fn check_pool(&self, region: &str, request: &PoolRequest) -> Result<(), Refusal> {
        if request.label.is_empty() {
            return Err(Refusal::invalid("`label` is required"));
        }
        check_sizes(
            request.quantity,
            request.min_nodes,
            request.max_nodes,
            request.auto_scaler,
        )?;
        let plan = self.check_stock(region, &request.plan)?;
        if !plan.fits_node_pool() {
            return Err(Refusal::invalid("Invalid plan for a node pool"));
        }
        request.taints.iter().try_for_each(check_taint)
    }

    /// The plan, when it is sold in the region and in stock.
    pub(super) fn check_stock(
        &self,
        region: &str,
        plan: &str,
    ) -> Result<&'static catalogue::Plan, Refusal> {
        let plan = catalogue::plan(plan).ok_or_else(|| Refusal::invalid("Invalid plan chosen"))?;
        if self.in_stock(region, plan) {
            Ok(plan)
        } else {
            Err(Refusal::invalid(
                "Plan is not available in the selected region",
            ))
        }
    }

    /// Whether the plan can be had in the region now.
    pub(crate) fn in_stock(&self, region: &str, plan: &catalogue::Plan) -> bool {
        let sold_out = self
            .conditions
            .sold_out
            .get(plan.id)
            .is_some_and(|regions| regions.is_empty() || regions.contains(region));
        !sold_out && catalogue::region(region).is_some_and(|region| plan.sold_in(region))
    }

    /// Puts a checked pool and its nodes into the cluster.
    pub(super) fn add_pool(
        &mut self,
        cluster_id: &str,
        request: PoolRequest,
    ) -> Result<String, Refusal> {
        let id = self.seeded.id();
        let labels = request
            .labels
            .into_iter()
            .map(|(key, value)| PoolLabel {
                id: self.seeded.id(),
                key,
                value,
            })
            .collect();
        let taints = request
            .taints
            .into_iter()
            .map(|taint| PoolTaint {
                id: self.seeded.id(),
                taint,
            })
            .collect();
        self.pools.insert(Pool {
            id: id.clone(),
            cluster_id: cluster_id.to_owned(),
            label: request.label,
            plan: request.plan,
            quantity: request.quantity,
            min_nodes: request.min_nodes,
            max_nodes: request.max_nodes,
            auto_scaler: request.auto_scaler,
            tag: request.tag,
            vpc_only: request.vpc_only,
            user_data: request.user_data,
            labels,
            taints,
            created: self.now,
            updated: self.now,
        });
        for _ in 0..request.quantity {
            self.add_node(&id)?;
        }
        Ok(id)
    }

    /// Changes a pool.
    pub(crate) fn change_pool(
        &mut self,
        cluster_id: &str,
        pool_id: &str,
        change: PoolChange,
    ) -> Result<&Pool, Refusal> {
        let pool = self.pool_of(cluster_id, pool_id)?;
        let quantity = change.quantity.unwrap_or(pool.quantity);
        let auto_scaler = change.auto_scaler.unwrap_or(pool.auto_scaler);
        let (min, max) = (
            change.min_nodes.unwrap_or(pool.min_nodes),
            change.max_nodes.unwrap_or(pool.max_nodes),
        );
        check_sizes(quantity, min, max, auto_scaler)?;
        change.taints.iter().flatten().try_for_each(check_taint)?;
        let more = quantity.saturating_sub(pool.quantity);
        self.check_quota(more)?;
        self.check_room(&self.clusters.find(cluster_id)?.nic.vpc_id, more)?;

        let mut new_ids = self.seeded.clone();
        let now = self.now;
        let pool = self.pools.find_mut(pool_id)?;
        (
            pool.quantity,
            pool.min_nodes,
            pool.max_nodes,
            pool.auto_scaler,
            pool.updated,
        ) = (quantity, min, max, auto_scaler, now);
        pool.tag = change.tag.unwrap_or_else(|| pool.tag.clone());
        pool.user_data = change.user_data.unwrap_or_else(|| pool.user_data.clone());
        // The vendor adds what a change names and never takes anything away.
        for (key, value) in change.labels.unwrap_or_default() {
            pool.labels.retain(|label| label.key != key);
            pool.labels.push(PoolLabel {
                id: new_ids.id(),
                key,
                value,
            });
        }
        for taint in change.taints.unwrap_or_default() {
            pool.taints.retain(|known| {
                (&known.taint.key, &known.taint.effect) != (&taint.key, &taint.effect)
            });
            pool.taints.push(PoolTaint {
                id: new_ids.id(),
                taint,
            });
        }
        self.seeded = new_ids;
        self.resize(pool_id)?;
        self.push_nodes(cluster_id);
        self.pools.find(pool_id)
    }

    /// Makes nodes until the pool has its quantity, or takes the newest away.
    fn resize(&mut self, pool_id: &str) -> Result<(), Refusal> {
        let wanted = self.pools.find(pool_id)?.quantity as usize;
        let nodes = self.nodes_of(pool_id);
        for _ in nodes.len()..wanted {
            self.add_node(pool_id)?;
        }
        if let Some(surplus) = nodes.get(wanted..) {
            self.remove_nodes(surplus, RELEASE_OF_INSTANCE);
        }
        Ok(())
    }

    /// Deletes a pool; the last one of a cluster stays.
    pub(crate) fn delete_pool(&mut self, cluster_id: &str, pool_id: &str) -> Result<(), Refusal> {
        self.pool_of(cluster_id, pool_id)?;
        if self.pools_of(cluster_id).count() == 1 {
            return Err(Refusal::invalid(
                "A cluster must have at least one node pool",
            ));
        }
        self.remove_nodes(&self.nodes_of(pool_id), RELEASE_OF_INSTANCE);
        self.pools.remove(pool_id);
        self.push_nodes(cluster_id);
        Ok(())
    }
}

fn check_sizes(quantity: u32, min: u32, max: u32, auto_scaler: bool) -> Result<(), Refusal> {
    if quantity == 0 {
        return Err(Refusal::invalid(
            "`node_quantity` must be a positive integer.",
        ));
    }
    if auto_scaler && (min == 0 || max < min) {
        return Err(Refusal::invalid(
            "`min_nodes` must be a positive integer no greater than `max_nodes`.",
        ));
    }
    Ok(())
}
