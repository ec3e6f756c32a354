//! Stand-in for the vendor's cloud controller: a Service of type `LoadBalancer` gets a load balancer of the emulated
//! account. It forwards nothing: what answers at the address is what the sandbox runs there, such as the object store.

use std::sync::Arc;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Node, Service};
use kube::api::{ListParams, Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::json;

use super::nodes::ID_LABEL;
use super::standin::{LookAt, PENDING, finalizers_of};
use crate::world::{AccountHandle, LoadBalancerPort, LoadBalancerView, LoadBalancerWish};

/// The finalizer that Kubernetes itself gives such a Service.
const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";
/// Prefix of the vendor's annotations.
const PREFIX: &str = "service.beta.kubernetes.io/vultr-loadbalancer-";

/// The stand-in for one cluster.
pub(crate) struct CloudController {
    pub(crate) client: kube::Client,
    pub(crate) account: Arc<dyn AccountHandle>,
    pub(crate) cluster: String,
}

impl LookAt<Service> for CloudController {
    async fn look_at(&self, service: Arc<Service>) -> Result<Action> {
        let owned = service.finalizers().iter().any(|name| name == FINALIZER);
        if wants_load_balancer(&service) {
            if !owned {
                self.set_finalizers(&service, true).await?;
            }
            return self.provide(&service).await;
        }
        if owned {
            self.take_away(&service).await?;
        }
        Ok(Action::await_change())
    }
}

impl CloudController {
    async fn provide(&self, service: &Service) -> Result<Action> {
        let wish = self.wish(service).await?;
        let view = self
            .account
            .create_load_balancer(&self.cluster, wish)
            .await?;
        self.remember(service, &view).await?;
        if !view.active {
            return Ok(Action::requeue(PENDING));
        }
        if address(service) != Some(view.address.to_string()) {
            let status =
                json!({ "status": { "loadBalancer": { "ingress": [{ "ip": view.address }] } } });
            self.services(service)
                .patch_status(
                    &service.name_any(),
                    &PatchParams::default(),
                    &Patch::Merge(&status),
                )
                .await?;
            announce(service, &view);
        }
        Ok(Action::await_change())
    }

    /// The vendor's controller writes the load balancer's id into an annotation and finds it by that later.
    async fn remember(&self, service: &Service, view: &LoadBalancerView) -> Result<()> {
        if load_balancer(service) == Some(&view.id) {
            return Ok(());
        }
        let patch = json!({ "metadata": { "annotations": { (format!("{PREFIX}id")): view.id } } });
        self.services(service)
            .patch(
                &service.name_any(),
                &PatchParams::default(),
                &Patch::Merge(&patch),
            )
            .await?;
        Ok(())
    }

    async fn take_away(&self, service: &Service) -> Result<()> {
        if let Some(id) = load_balancer(service) {
            self.account.delete_load_balancer(id).await?;
        }
        if service.metadata.deletion_timestamp.is_none() {
            let status = json!({ "status": { "loadBalancer": { "ingress": null } } });
            self.services(service)
                .patch_status(
                    &service.name_any(),
                    &PatchParams::default(),
                    &Patch::Merge(&status),
                )
                .await?;
        }
        self.set_finalizers(service, false).await
    }

    async fn set_finalizers(&self, service: &Service, ours: bool) -> Result<()> {
        let finalizers = finalizers_of(service, FINALIZER, ours);
        // The resource version makes the list a compare-and-set: another controller's finalizer is never lost.
        let patch = json!({ "metadata": {
            "finalizers": finalizers,
            "resourceVersion": service.metadata.resource_version,
            "annotations": if ours { json!({}) } else { json!({ (format!("{PREFIX}id")): null }) },
        } });
        self.services(service)
            .patch(
                &service.name_any(),
                &PatchParams::default(),
                &Patch::Merge(&patch),
            )
            .await?;
        Ok(())
    }

    async fn wish(&self, service: &Service) -> Result<LoadBalancerWish> {
        let uid = service.uid().context("a Service without uid")?;
        let label = annotation(service, "label")
            .map_or_else(|| format!("a{}", uid.replace('-', "")), str::to_owned);
        let nodes = Api::<Node>::all(self.client.clone())
            .list(&ListParams::default())
            .await?;
        let instances = nodes
            .iter()
            .filter_map(|node| node.labels().get(ID_LABEL).cloned())
            .collect();
        Ok(LoadBalancerWish {
            label,
            nodes: annotation(service, "node-count").map_or(Ok(1), str::parse)?,
            ports: ports(service)?,
            instances,
        })
    }

    fn services(&self, service: &Service) -> Api<Service> {
        Api::namespaced(
            self.client.clone(),
            &service.namespace().unwrap_or_default(),
        )
    }
}

fn announce(service: &Service, view: &LoadBalancerView) {
    tracing::info!(
        namespace = service.namespace().unwrap_or_default(),
        service = service.name_any(),
        address = %view.address,
        "stand-in: cloud controller gave a load balancer"
    );
}

fn wants_load_balancer(service: &Service) -> bool {
    service.metadata.deletion_timestamp.is_none()
        && service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) == Some("LoadBalancer")
        && annotation(service, "create") != Some("false")
}

fn annotation<'a>(service: &'a Service, name: &str) -> Option<&'a str> {
    service
        .annotations()
        .get(&format!("{PREFIX}{name}"))
        .map(String::as_str)
}

/// The id of the load balancer that a Service was given.
pub(crate) fn load_balancer(service: &Service) -> Option<&str> {
    annotation(service, "id")
}

fn address(service: &Service) -> Option<String> {
    let ingress = service
        .status
        .as_ref()?
        .load_balancer
        .as_ref()?
        .ingress
        .as_ref()?;
    ingress.first()?.ip.clone()
}

fn ports(service: &Service) -> Result<Vec<LoadBalancerPort>> {
    let protocol = annotation(service, "protocol").unwrap_or("tcp");
    let ports = service
        .spec
        .iter()
        .flat_map(|spec| spec.ports.iter().flatten());
    ports
        .map(|port| {
            Ok(LoadBalancerPort {
                protocol: protocol.to_owned(),
                frontend: port.port.try_into()?,
                backend: port.node_port.unwrap_or(port.port).try_into()?,
            })
        })
        .collect()
}
