//! What the tests of the engines stand on: real engines in a folder of their own, and an account that only remembers.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub(crate) mod sockets;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use slipway_sandbox::engines::{RealEngines, Tools};
use slipway_sandbox::processes::Processes;
use slipway_sandbox::slot::Slot;
use slipway_sandbox::world::{
    AccountHandle, BlockView, BlockWish, ClusterSpec, Engines, LoadBalancerView, LoadBalancerWish,
    NodeSpec, Taint,
};
use tempfile::TempDir;

/// The part of an account that the stand-ins use, without clock or faults: everything is active at once.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) load_balancers: Mutex<BTreeMap<String, (LoadBalancerWish, LoadBalancerView)>>,
    pub(crate) blocks: Mutex<BTreeMap<String, (BlockWish, BlockView)>>,
    network: u8,
    next: AtomicU8,
}

#[async_trait]
impl AccountHandle for Ledger {
    fn served_at(&self) -> Option<std::net::SocketAddr> {
        None
    }

    async fn create_load_balancer(
        &self,
        _cluster: &str,
        wish: LoadBalancerWish,
    ) -> anyhow::Result<LoadBalancerView> {
        let id = format!("lb-{}", wish.label);
        let mut all = self.load_balancers.lock().unwrap();
        let fresh = || LoadBalancerView {
            id: id.clone(),
            address: Ipv4Addr::new(
                127,
                66,
                self.network,
                1 + self.next.fetch_add(1, Ordering::Relaxed),
            ),
            active: true,
        };
        Ok(all
            .entry(id.clone())
            .or_insert_with(|| (wish, fresh()))
            .1
            .clone())
    }

    async fn load_balancer(&self, id: &str) -> anyhow::Result<Option<LoadBalancerView>> {
        Ok(self
            .load_balancers
            .lock()
            .unwrap()
            .get(id)
            .map(|(_, view)| view.clone()))
    }

    async fn delete_load_balancer(&self, id: &str) -> anyhow::Result<()> {
        self.load_balancers.lock().unwrap().remove(id);
        Ok(())
    }

    async fn create_block(&self, _cluster: &str, wish: BlockWish) -> anyhow::Result<BlockView> {
        let id = format!("block-{}", wish.label);
        let view = BlockView {
            id: id.clone(),
            active: true,
            size_gb: wish.size_gb,
            attached_to: None,
        };
        Ok(self
            .blocks
            .lock()
            .unwrap()
            .entry(id)
            .or_insert((wish, view))
            .1
            .clone())
    }

    async fn block(&self, id: &str) -> anyhow::Result<Option<BlockView>> {
        Ok(self
            .blocks
            .lock()
            .unwrap()
            .get(id)
            .map(|(_, view)| view.clone()))
    }

    async fn attach_block(&self, id: &str, instance_id: Option<&str>) -> anyhow::Result<()> {
        let mut all = self.blocks.lock().unwrap();
        let (_, view) = all
            .get_mut(id)
            .ok_or_else(|| anyhow::anyhow!("no block {id}"))?;
        view.attached_to = instance_id.map(str::to_owned);
        Ok(())
    }

    async fn delete_block(&self, id: &str) -> anyhow::Result<()> {
        self.blocks.lock().unwrap().remove(id);
        Ok(())
    }
}

/// Engines, their folder and their account. Whatever a failed test leaves running is ended by the drop.
pub(crate) struct Ground {
    pub(crate) engines: RealEngines,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) processes: Processes,
    pub(crate) folder: TempDir,
    pub(crate) slot: Slot,
}

impl Ground {
    /// Engines on loopback addresses that no other sandbox of the machine has.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let slot = Slot::claim().unwrap();
        let mark = format!("engines-test-{}-{}", std::process::id(), slot.number());
        let processes = Processes::open(folder.path(), &mark).unwrap();
        let tools = Tools::find(None).expect("the engines are missing");
        let engines = RealEngines::new(folder.path(), tools, processes.clone(), None)
            .await
            .unwrap();
        let ledger = Arc::new(Ledger {
            network: slot.number(),
            ..Ledger::default()
        });
        engines.attach(Arc::clone(&ledger) as Arc<dyn AccountHandle>);
        Self {
            engines,
            ledger,
            processes,
            folder,
            slot,
        }
    }

    pub(crate) fn cluster(&self, id: &str, version: &str, host: u8) -> ClusterSpec {
        ClusterSpec {
            id: id.to_owned(),
            label: "slipway:test".to_owned(),
            region: "ams".to_owned(),
            version: version.to_owned(),
            address: Ipv4Addr::new(127, 65, self.slot.number(), host),
            endpoint: format!("{id}.vultr-k8s.com"),
            cluster_subnet: "10.244.0.0/16".to_owned(),
            service_subnet: "10.96.0.0/12".to_owned(),
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _nothing_to_report_to = self.processes.reap();
    }
}

/// A node of a pool.
pub(crate) fn node(name: &str, pool: &str, taint: bool) -> NodeSpec {
    NodeSpec {
        id: format!("instance-of-{name}"),
        name: name.to_owned(),
        pool: pool.to_owned(),
        plan: "vc2-2c-4gb".to_owned(),
        region: "ams".to_owned(),
        vcpu_count: 2,
        ram_mb: 4096,
        disk_gb: 80,
        labels: BTreeMap::from([("slipway.dev/pool".to_owned(), pool.to_owned())]),
        taints: taint
            .then(|| Taint {
                key: "slipway.dev/pool".to_owned(),
                value: pool.to_owned(),
                effect: "NoSchedule".to_owned(),
            })
            .into_iter()
            .collect(),
        private_ip: Ipv4Addr::new(10, 1, 96, 3),
        public_ip: Ipv4Addr::new(198, 18, 0, 1),
    }
}
