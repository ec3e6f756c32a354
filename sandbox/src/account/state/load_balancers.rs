//! Load balancers.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::ledger::Charge;
use super::networks::{Nic, RELEASE_OF_INSTANCE};
use super::{Effect, State};
use crate::account::catalogue;
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// Time from the request to a serving load balancer.
const CREATION: SignedDuration = SignedDuration::from_secs(120);
/// Most rules of one load balancer.
const MOST_RULES: usize = 15;
/// Ports the vendor keeps for itself.
const RESERVED_PORTS: std::ops::RangeInclusive<u32> = 65_300..=65_310;

/// A load balancer.
#[derive(Clone, Debug)]
pub(crate) struct LoadBalancer {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) region: String,
    pub(crate) nodes: u32,
    pub(crate) instances: Vec<String>,
    pub(crate) rules: Vec<ForwardingRule>,
    pub(crate) firewall_rules: Vec<Value>,
    pub(crate) settings: BalancerSettings,
    pub(crate) address: Ipv4Addr,
    pub(crate) nic: Option<Nic>,
    pub(crate) created: Timestamp,
    pub(crate) ready_at: Timestamp,
    pub(crate) active: bool,
    /// Cluster whose cloud controller made it.
    pub(crate) cluster_id: Option<String>,
    /// Owner mark of that cluster, kept when the cluster is gone.
    pub(crate) cluster_mark: String,
}

impl Row for LoadBalancer {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid load balancer ID");

    fn id(&self) -> &str {
        &self.id
    }
}

/// A forwarding rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForwardingRule {
    pub(crate) id: String,
    pub(crate) frontend_protocol: String,
    pub(crate) frontend_port: u32,
    pub(crate) backend_protocol: String,
    pub(crate) backend_port: u32,
}

/// Everything about a load balancer that the account only keeps and shows.
// The vendor's own switches, one field each.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug)]
pub(crate) struct BalancerSettings {
    pub(crate) has_ssl: bool,
    pub(crate) http2: bool,
    pub(crate) http3: bool,
    pub(crate) auto_ssl: Value,
    pub(crate) health_check: Value,
    pub(crate) balancing_algorithm: String,
    pub(crate) timeout: u64,
    pub(crate) ssl_redirect: bool,
    pub(crate) proxy_protocol: bool,
    pub(crate) cookie_name: String,
    pub(crate) global_regions: Value,
}

impl Default for BalancerSettings {
    fn default() -> Self {
        Self {
            has_ssl: false,
            http2: false,
            http3: false,
            auto_ssl: json!({"domain_zone": "", "domain_sub": "", "domain": ""}),
            health_check: json!({
                "protocol": "tcp", "port": 80, "path": "/", "check_interval": 15,
                "response_timeout": 5, "unhealthy_threshold": 5, "healthy_threshold": 5,
            }),
            balancing_algorithm: "roundrobin".to_owned(),
            timeout: 600,
            ssl_redirect: false,
            proxy_protocol: false,
            cookie_name: String::new(),
            global_regions: json!([]),
        }
    }
}

/// What a load balancer is asked to be; absent means default (create) or unchanged (update).
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadBalancerRequest {
    pub(crate) region: String,
    pub(crate) label: Option<String>,
    pub(crate) nodes: Option<u32>,
    pub(crate) instances: Option<Vec<String>>,
    pub(crate) rules: Option<Vec<ForwardingRule>>,
    pub(crate) firewall_rules: Option<Vec<Value>>,
    pub(crate) settings: BalancerSettings,
    pub(crate) vpc: Option<String>,
    pub(crate) cluster_id: Option<String>,
}

/// Whether a label is that of a service: `a` and its id without dashes.
fn is_of_a_service(label: &str) -> bool {
    let id = label.strip_prefix('a').unwrap_or_default();
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl State {
    /// Makes a load balancer.
    pub(crate) fn create_load_balancer(
        &mut self,
        request: LoadBalancerRequest,
    ) -> Result<&LoadBalancer, Refusal> {
        if catalogue::region(&request.region).is_none() {
            return Err(Refusal::invalid("Invalid region"));
        }
        self.check_load_balancer(&request, &request.region)?;
        let nic = request
            .vpc
            .as_deref()
            .filter(|vpc| !vpc.is_empty())
            .map(|vpc| self.attach_to(vpc))
            .transpose()?;
        let id = self.seeded.id();
        let nodes = request.nodes.unwrap_or(1);
        let label = request.label.unwrap_or_default();
        // The controller in a cluster is known by its labels and by the nodes that it names.
        let of_nodes = request
            .instances
            .iter()
            .flatten()
            .find_map(|instance| self.cluster_of_node(instance));
        let cluster_id = request
            .cluster_id
            .or(of_nodes.filter(|_| is_of_a_service(&label)));
        self.ledger.open(Charge {
            kind: "load_balancer",
            id: id.clone(),
            label: label.clone(),
            what: format!("{nodes} node(s)"),
            price: catalogue::load_balancer(nodes),
            from: self.now,
            until: None,
        });
        let balancer = LoadBalancer {
            id: id.clone(),
            label,
            region: request.region,
            nodes,
            instances: request.instances.unwrap_or_default(),
            rules: self.with_ids(request.rules.unwrap_or_default()),
            firewall_rules: request.firewall_rules.unwrap_or_default(),
            settings: request.settings,
            address: self.addresses.load_balancer()?,
            nic,
            created: self.now,
            ready_at: self.now + CREATION,
            active: false,
            cluster_mark: cluster_id
                .as_deref()
                .map_or_else(String::new, |cluster| self.mark_of_cluster(cluster)),
            cluster_id,
        };
        self.load_balancers.insert(balancer);
        self.load_balancers.find(&id)
    }

    fn check_load_balancer(
        &self,
        request: &LoadBalancerRequest,
        region: &str,
    ) -> Result<(), Refusal> {
        if request
            .nodes
            .is_some_and(|nodes| nodes % 2 == 0 || nodes > 99)
        {
            return Err(Refusal::invalid(
                "Invalid nodes: an odd number from 1 to 99 is needed",
            ));
        }
        for id in request.instances.iter().flatten() {
            let instance = self
                .instances
                .get(id)
                .ok_or_else(|| Refusal::invalid("Invalid instance ID"))?;
            if instance.region != region {
                return Err(Refusal::invalid(
                    "Instance is not in the region of the load balancer",
                ));
            }
        }
        if let Some(vpc_id) = request.vpc.as_deref().filter(|vpc| !vpc.is_empty()) {
            let vpc = self
                .vpcs
                .get(vpc_id)
                .ok_or_else(|| Refusal::invalid("Invalid VPC ID"))?;
            if vpc.region != region {
                return Err(Refusal::invalid("VPC is not in the selected region"));
            }
            self.check_room(vpc_id, 1)?;
        }
        request
            .rules
            .iter()
            .try_for_each(|rules| check_rules(rules))
    }

    /// Short hex ids for rules that have none.
    fn with_ids(&mut self, mut rules: Vec<ForwardingRule>) -> Vec<ForwardingRule> {
        for rule in rules.iter_mut().filter(|rule| rule.id.is_empty()) {
            rule.id = self.seeded.hex(16);
        }
        rules
    }

    /// Load balancers that a cluster's cloud controller made.
    pub(crate) fn load_balancers_of(
        &self,
        cluster_id: &str,
    ) -> impl Iterator<Item = &LoadBalancer> {
        self.load_balancers
            .iter()
            .filter(move |balancer| balancer.cluster_id.as_deref() == Some(cluster_id))
    }

    /// Changes a load balancer that is active.
    pub(crate) fn change_load_balancer(
        &mut self,
        id: &str,
        request: LoadBalancerRequest,
    ) -> Result<(), Refusal> {
        let balancer = self.active_load_balancer(id)?;
        self.check_load_balancer(&request, &balancer.region)?;
        let nic = match request.vpc.as_deref() {
            None => balancer.nic.clone(),
            Some("") => None,
            Some(vpc) if balancer.nic.as_ref().is_some_and(|nic| nic.vpc_id == vpc) => {
                balancer.nic.clone()
            }
            Some(vpc) => Some(self.attach_to(vpc)?),
        };
        let rules = request.rules.map(|rules| self.with_ids(rules));
        let now = self.now;
        let balancer = self.load_balancers.find_mut(id)?;
        balancer.nic = nic;
        balancer.label = request.label.unwrap_or_else(|| balancer.label.clone());
        balancer.instances = request
            .instances
            .unwrap_or_else(|| balancer.instances.clone());
        balancer.rules = rules.unwrap_or_else(|| balancer.rules.clone());
        balancer.firewall_rules = request
            .firewall_rules
            .unwrap_or_else(|| balancer.firewall_rules.clone());
        balancer.settings = request.settings;
        if let Some(nodes) = request.nodes {
            balancer.nodes = nodes;
            self.ledger.reprice(
                id,
                format!("{nodes} node(s)"),
                catalogue::load_balancer(nodes),
                now,
            );
        }
        Ok(())
    }

    fn active_load_balancer(&self, id: &str) -> Result<&LoadBalancer, Refusal> {
        let balancer = self.load_balancers.find(id)?;
        if balancer.active {
            Ok(balancer)
        } else {
            Err(Refusal::invalid("Load balancer is still activating"))
        }
    }

    /// Adds one rule.
    pub(crate) fn add_rule(
        &mut self,
        id: &str,
        rule: ForwardingRule,
    ) -> Result<ForwardingRule, Refusal> {
        let mut rules = self.active_load_balancer(id)?.rules.clone();
        rules.extend(self.with_ids(vec![rule]));
        check_rules(&rules)?;
        let added = rules
            .last()
            .cloned()
            .ok_or_else(|| Refusal::invalid("Invalid forwarding rule"))?;
        self.load_balancers.find_mut(id)?.rules = rules;
        Ok(added)
    }

    /// Takes one rule away.
    pub(crate) fn delete_rule(&mut self, id: &str, rule_id: &str) -> Result<(), Refusal> {
        let known = self
            .active_load_balancer(id)?
            .rules
            .iter()
            .any(|rule| rule.id == rule_id);
        if !known {
            return Err(Refusal::new(404, "Invalid forwarding rule ID"));
        }
        self.load_balancers
            .find_mut(id)?
            .rules
            .retain(|rule| rule.id != rule_id);
        Ok(())
    }

    /// Deletes a load balancer that is active.
    pub(crate) fn delete_load_balancer(&mut self, id: &str) -> Result<(), Refusal> {
        if !self.load_balancers.find(id)?.active {
            return Err(Refusal::invalid("Load balancer is not ready."));
        }
        self.remove_load_balancer(id);
        Ok(())
    }

    pub(super) fn remove_load_balancer(&mut self, id: &str) {
        let Some(balancer) = self.load_balancers.remove(id) else {
            return;
        };
        self.addresses.release(balancer.address);
        self.hold(
            "load_balancer",
            id,
            balancer.nic.into_iter().collect(),
            RELEASE_OF_INSTANCE,
        );
        self.ledger.close(id, self.now);
        if balancer.cluster_id.is_some() {
            self.effects.push(Effect::LoadBalancerGone(id.to_owned()));
        }
    }
}

fn check_rules(rules: &[ForwardingRule]) -> Result<(), Refusal> {
    if rules.len() > MOST_RULES {
        return Err(Refusal::invalid(
            "A load balancer has 15 forwarding rules at most",
        ));
    }
    let valid_port = |port: u32| (1..=65_535).contains(&port) && !RESERVED_PORTS.contains(&port);
    let valid_protocol = |protocol: &str| {
        matches!(
            protocol.to_lowercase().as_str(),
            "http" | "https" | "tcp" | "udp"
        )
    };
    for (at, rule) in rules.iter().enumerate() {
        let valid = valid_port(rule.frontend_port)
            && valid_port(rule.backend_port)
            && valid_protocol(&rule.frontend_protocol)
            && valid_protocol(&rule.backend_protocol);
        if !valid {
            return Err(Refusal::invalid("Invalid forwarding rule"));
        }
        if rules[..at]
            .iter()
            .any(|other| other.frontend_port == rule.frontend_port)
        {
            return Err(Refusal::invalid(
                "Forwarding rule with this frontend port already exists",
            ));
        }
    }
    Ok(())
}
