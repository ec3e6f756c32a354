//! Load balancers.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::decode::{self, One, wrapped};
use crate::error::absent;
use crate::open_enum::open_enum;
use crate::settle::{self, Wanted};
use crate::{Client, Ensured, Result};

/// A load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LoadBalancer {
    /// Id.
    pub id: String,
    /// Label; that of a service is `a` and the service's id without dashes.
    #[serde(deserialize_with = "decode::text")]
    pub label: String,
    /// Region.
    pub region: String,
    /// State.
    pub status: LoadBalancerStatus,
    /// Address; empty at first.
    #[serde(deserialize_with = "decode::text")]
    pub ipv4: String,
    /// How many machines it is made of; each is paid for.
    #[serde(default)]
    pub nodes: Option<u32>,
    /// Servers behind it.
    #[serde(deserialize_with = "decode::list")]
    pub instances: Vec<String>,
    /// What it forwards.
    #[serde(default, deserialize_with = "decode::list")]
    pub forwarding_rules: Vec<ForwardingRule>,
    /// How it tells which servers live.
    #[serde(default, deserialize_with = "decode::object")]
    pub health_check: Option<HealthCheck>,
}

open_enum! {
    /// State of a load balancer.
    LoadBalancerStatus {
        /// Being made.
        Pending = "pending",
        /// Its software is being installed.
        Installing = "installing",
        /// Usable.
        Active = "active",
    }
}

/// One forwarded port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardingRule {
    /// Protocol outside.
    pub frontend_protocol: String,
    /// Port outside.
    pub frontend_port: u16,
    /// Protocol inside.
    pub backend_protocol: String,
    /// Port inside.
    pub backend_port: u16,
}

/// How servers are probed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// `http`, `https` or `tcp`.
    pub protocol: String,
    /// Port.
    pub port: u16,
    /// Path, for HTTP.
    #[serde(default, deserialize_with = "decode::text")]
    pub path: String,
}

wrapped!(LoadBalancer, "load_balancer", "load_balancers");

/// What a load balancer is made from.
#[derive(Debug, Clone, Serialize)]
pub struct CreateLoadBalancer {
    /// Region.
    pub region: String,
    /// Label: the owner's mark.
    pub label: String,
    /// Network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc: Option<String>,
    /// Servers behind it.
    pub instances: Vec<String>,
    /// What it forwards.
    pub forwarding_rules: Vec<ForwardingRule>,
    /// How it probes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
}

impl Client {
    /// Every load balancer.
    pub async fn load_balancers(&self) -> Result<Vec<LoadBalancer>> {
        self.list(&["load-balancers"]).await
    }

    /// One load balancer.
    pub async fn load_balancer(&self, id: &str) -> Result<Option<LoadBalancer>> {
        let request = self.request(Method::GET, &["load-balancers", id])?;
        let found = absent(self.fetch::<One<LoadBalancer>>(request).await)?;
        Ok(found.map(|One(balancer)| balancer))
    }

    /// Makes a load balancer.
    pub async fn create_load_balancer(&self, wanted: &CreateLoadBalancer) -> Result<LoadBalancer> {
        let request = self
            .request(Method::POST, &["load-balancers"])?
            .json(wanted)?;
        let One(balancer) = self.fetch(request).await?;
        Ok(balancer)
    }

    /// The load balancer of exactly the wanted label, made if there is none.
    pub async fn ensure_load_balancer(
        &self,
        wanted: &CreateLoadBalancer,
    ) -> Result<Ensured<LoadBalancer>> {
        let look = || async {
            let mut found = self.load_balancers().await?;
            found.retain(|balancer| balancer.label == wanted.label);
            Ok(found)
        };
        let target = Wanted {
            kind: "load balancer",
            mark: &wanted.label,
        };
        self.ensure(target, look, || self.create_load_balancer(wanted))
            .await
    }

    /// Deletes a load balancer; [`crate::Error::Busy`] while it is being made.
    pub async fn delete_load_balancer(&self, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &["load-balancers", id])?;
        settle::deleted(self.perform(request).await, self.load_balancer(id)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_without_its_optional_objects_is_read() {
        let full = r#"{"load_balancer":{"id":"l1","date_created":"2026-07-07T22:57:01+00:00","region":"ams","label":"a1b2","status":"installing","ipv4":"","ipv6":"","generic_info":{"balancing_algorithm":"roundrobin","ssl_redirect":false,"sticky_sessions":{"cookie_name":""},"proxy_protocol":false,"vpc":""},"health_check":{"protocol":"tcp","port":80,"path":"","check_interval":15},"has_ssl":false,"nodes":1,"forwarding_rules":[{"id":"d42585eb85b1f69d","frontend_protocol":"tcp","frontend_port":80,"backend_protocol":"tcp","backend_port":30080}],"firewall_rules":[],"instances":[]}}"#;
        let One(balancer): One<LoadBalancer> = decode::read(full.as_bytes()).unwrap();
        assert_eq!(balancer.status, LoadBalancerStatus::Installing);
        assert_eq!(balancer.forwarding_rules[0].backend_port, 30080);
        let bare = r#"{"load_balancer":{"id":"l1","region":"ams","label":"a1b2","status":"pending","ipv4":null,"instances":null,"health_check":[]}}"#;
        let One(balancer): One<LoadBalancer> = decode::read(bare.as_bytes()).unwrap();
        assert_eq!(balancer.health_check, None);
    }
}
