//! The account as the stand-ins for the vendor's cloud controller and CSI driver use it.

use std::net::SocketAddr;

use anyhow::Context as _;
use async_trait::async_trait;

use super::service::Account;
use super::state::{
    Block, BlockKind, BlockRequest, ForwardingRule, LoadBalancer, LoadBalancerRequest, State,
};
use crate::world::{
    AccountHandle, BlockView, BlockWish, LoadBalancerPort, LoadBalancerView, LoadBalancerWish,
};

const CLOUD_CONTROLLER: &str = "stand-in: cloud controller";
const CSI_DRIVER: &str = "stand-in: CSI driver";

impl From<&LoadBalancer> for LoadBalancerView {
    fn from(balancer: &LoadBalancer) -> Self {
        Self {
            id: balancer.id.clone(),
            address: balancer.address,
            active: balancer.active,
        }
    }
}

impl From<&Block> for BlockView {
    fn from(block: &Block) -> Self {
        Self {
            id: block.id.clone(),
            active: block.active,
            size_gb: block.size_gb,
            attached_to: block.attached_to.clone(),
        }
    }
}

impl From<LoadBalancerPort> for ForwardingRule {
    fn from(port: LoadBalancerPort) -> Self {
        Self {
            id: String::new(),
            frontend_protocol: port.protocol.clone(),
            frontend_port: port.frontend.into(),
            backend_protocol: port.protocol,
            backend_port: port.backend.into(),
        }
    }
}

fn region_of(state: &State, cluster_id: &str) -> anyhow::Result<String> {
    let cluster = state
        .clusters
        .get(cluster_id)
        .with_context(|| format!("cluster {cluster_id} is gone"))?;
    Ok(cluster.region.clone())
}

#[async_trait]
impl AccountHandle for Account {
    fn served_at(&self) -> Option<SocketAddr> {
        self.address()
    }

    async fn create_load_balancer(
        &self,
        cluster_id: &str,
        wish: LoadBalancerWish,
    ) -> anyhow::Result<LoadBalancerView> {
        let (view, made) = self.work(|state| -> anyhow::Result<_> {
            if let Some(known) = state
                .load_balancers_of(cluster_id)
                .find(|balancer| balancer.label == wish.label)
            {
                return Ok((LoadBalancerView::from(known), false));
            }
            let request = LoadBalancerRequest {
                region: region_of(state, cluster_id)?,
                label: Some(wish.label),
                nodes: Some(wish.nodes),
                instances: Some(wish.instances),
                rules: Some(wish.ports.into_iter().map(ForwardingRule::from).collect()),
                cluster_id: Some(cluster_id.to_owned()),
                ..LoadBalancerRequest::default()
            };
            Ok((
                LoadBalancerView::from(state.create_load_balancer(request)?),
                true,
            ))
        })?;
        if made {
            self.note(
                CLOUD_CONTROLLER,
                "POST",
                "/v2/load-balancers".to_owned(),
                202,
            );
        }
        Ok(view)
    }

    async fn load_balancer(&self, id: &str) -> anyhow::Result<Option<LoadBalancerView>> {
        Ok(self.work(|state| state.load_balancers.get(id).map(LoadBalancerView::from)))
    }

    async fn delete_load_balancer(&self, id: &str) -> anyhow::Result<()> {
        let gone = self.work(|state| match state.load_balancers.get(id) {
            // The cloud controller retries until the load balancer is ready to go.
            Some(balancer) if !balancer.active => {
                Err(anyhow::anyhow!("load balancer {id} is not ready"))
            }
            Some(_) => Ok(state.delete_load_balancer(id).is_ok()),
            None => Ok(false),
        })?;
        if gone {
            self.note(
                CLOUD_CONTROLLER,
                "DELETE",
                format!("/v2/load-balancers/{id}"),
                204,
            );
        }
        Ok(())
    }

    async fn create_block(&self, cluster_id: &str, wish: BlockWish) -> anyhow::Result<BlockView> {
        let (view, made) = self.work(|state| -> anyhow::Result<_> {
            if let Some(known) = state
                .blocks_of(cluster_id)
                .find(|block| block.label == wish.label)
            {
                return Ok((BlockView::from(known), false));
            }
            let request = BlockRequest {
                region: region_of(state, cluster_id)?,
                label: wish.label,
                size_gb: wish.size_gb,
                kind: BlockKind::of(&wish.block_type)?,
                bootable: false,
                cluster_id: Some(cluster_id.to_owned()),
            };
            Ok((BlockView::from(state.create_block(request)?), true))
        })?;
        if made {
            self.note(CSI_DRIVER, "POST", "/v2/blocks".to_owned(), 202);
        }
        Ok(view)
    }

    async fn block(&self, id: &str) -> anyhow::Result<Option<BlockView>> {
        Ok(self.work(|state| state.blocks.get(id).map(BlockView::from)))
    }

    async fn attach_block(&self, id: &str, instance_id: Option<&str>) -> anyhow::Result<()> {
        let verb = if instance_id.is_some() {
            "attach"
        } else {
            "detach"
        };
        self.work(|state| match instance_id {
            Some(instance_id)
                if state
                    .blocks
                    .get(id)
                    .is_some_and(|block| block.attached_to.as_deref() == Some(instance_id)) =>
            {
                Ok(())
            }
            Some(instance_id) => state.attach_block(id, instance_id),
            None => state.detach_block(id),
        })?;
        self.note(CSI_DRIVER, "POST", format!("/v2/blocks/{id}/{verb}"), 204);
        Ok(())
    }

    async fn delete_block(&self, id: &str) -> anyhow::Result<()> {
        if self.work(|state| state.delete_block(id)).is_ok() {
            self.note(CSI_DRIVER, "DELETE", format!("/v2/blocks/{id}"), 204);
        }
        Ok(())
    }
}
