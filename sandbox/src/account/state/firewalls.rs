//! Firewall groups and their rules.

use jiff::Timestamp;

use super::State;
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// Most rules of a group.
pub(crate) const MOST_RULES: usize = 50;

/// A firewall group.
#[derive(Clone, Debug)]
pub(crate) struct FirewallGroup {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    /// Cluster that owns it.
    pub(crate) cluster_id: Option<String>,
    pub(crate) rules: Vec<FirewallRule>,
    last_rule: u64,
}

/// One thing that is let in.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirewallRule {
    pub(crate) id: u64,
    pub(crate) ip_type: String,
    pub(crate) protocol: String,
    pub(crate) subnet: String,
    pub(crate) subnet_size: u32,
    pub(crate) port: String,
    pub(crate) source: String,
    pub(crate) notes: String,
}

impl Row for FirewallGroup {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid firewall group ID");

    fn id(&self) -> &str {
        &self.id
    }
}

impl State {
    /// Makes a group, for a cluster or for anybody.
    pub(crate) fn create_firewall(
        &mut self,
        description: String,
        cluster_id: Option<String>,
    ) -> String {
        let id = self.seeded.id();
        self.firewalls.insert(FirewallGroup {
            id: id.clone(),
            description,
            created: self.now,
            modified: self.now,
            cluster_id,
            rules: Vec::new(),
            last_rule: 0,
        });
        id
    }

    /// Deletes a group and takes it off its instances. A cluster's own goes with the cluster only.
    pub(crate) fn delete_firewall(&mut self, id: &str) -> Result<(), Refusal> {
        let owner = self.firewalls.find(id)?.cluster_id.clone();
        if owner.is_some_and(|cluster| self.clusters.get(&cluster).is_some()) {
            return Err(Refusal::invalid(
                "Firewall group is in use by a Kubernetes cluster",
            ));
        }
        self.remove_firewall(id);
        Ok(())
    }

    pub(super) fn remove_firewall(&mut self, id: &str) {
        self.firewalls.remove(id);
        for instance in self.instances.iter_mut() {
            if instance.firewall_group_id == id {
                instance.firewall_group_id.clear();
            }
        }
    }

    /// Adds a rule; its id is set here.
    pub(crate) fn add_firewall_rule(
        &mut self,
        group_id: &str,
        rule: FirewallRule,
    ) -> Result<FirewallRule, Refusal> {
        check_rule(&rule)?;
        let now = self.now;
        let group = self.firewalls.find_mut(group_id)?;
        if group.rules.len() == MOST_RULES {
            return Err(Refusal::invalid(
                "Firewall group has the maximum number of rules",
            ));
        }
        group.last_rule += 1;
        group.modified = now;
        let rule = FirewallRule {
            id: group.last_rule,
            ..rule
        };
        group.rules.push(rule.clone());
        Ok(rule)
    }

    /// A rule of a group.
    pub(crate) fn firewall_rule(
        &self,
        group_id: &str,
        rule_id: &str,
    ) -> Result<&FirewallRule, Refusal> {
        self.firewalls
            .find(group_id)?
            .rules
            .iter()
            .find(|rule| rule.id.to_string() == rule_id)
            .ok_or_else(|| Refusal::new(404, "Firewall rule ID not found"))
    }

    /// Takes a rule away.
    pub(crate) fn delete_firewall_rule(
        &mut self,
        group_id: &str,
        rule_id: &str,
    ) -> Result<(), Refusal> {
        let id = self.firewall_rule(group_id, rule_id)?.id;
        let now = self.now;
        let group = self.firewalls.find_mut(group_id)?;
        group.rules.retain(|rule| rule.id != id);
        group.modified = now;
        Ok(())
    }
}

fn check_rule(rule: &FirewallRule) -> Result<(), Refusal> {
    if !matches!(rule.ip_type.as_str(), "v4" | "v6") {
        return Err(Refusal::invalid("Invalid ip_type"));
    }
    match rule.protocol.as_str() {
        "tcp" | "udp" if rule.port.is_empty() => Err(Refusal::invalid("`port` is required")),
        "tcp" | "udp" => Ok(()),
        "icmp" | "gre" | "ah" | "esp" if rule.port.is_empty() => Ok(()),
        _ => Err(Refusal::invalid("Invalid protocol")),
    }
}
