//! What `POST /_sandbox/faults` takes.

use serde::Deserialize;
use serde_json::Value;

use super::rules::{Action, Failure, RuleView};
use crate::account::state::VpcInUse;
use crate::world::Disturbance;

/// One order: either a rule for calls (`action`), or circumstances, or both.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultOrder {
    /// Method of the calls; any when absent.
    pub method: Option<String>,
    /// Glob for their path, with or without `/v2`; any when absent.
    pub path: Option<String>,
    /// First matching call that is hit, counted from the order on (1).
    pub nth: Option<u64>,
    /// How many calls are hit, 0 for no end (1; without end when `probability` is given).
    pub times: Option<u64>,
    /// Chance of each hit.
    pub probability: Option<f64>,
    /// Seed of the chances.
    pub seed: Option<u64>,
    /// How long a timeout holds the connection before it closes.
    pub hold_ms: Option<u64>,
    /// What happens to the calls.
    pub action: Option<Value>,
    /// Plans without stock.
    pub sold_out: Option<Vec<String>>,
    /// Where `sold_out` holds; everywhere when absent.
    pub region: Option<String>,
    /// Kubernetes builds off sale.
    pub withdrawn: Option<Vec<String>>,
    /// Pending clusters stay pending.
    pub cluster_stuck: Option<bool>,
    /// Version changes stop where they are.
    pub upgrade_stuck: Option<bool>,
    /// Volumes stay attached to instances that are gone.
    pub stale_attach: Option<bool>,
    /// In which words the deletion of a busy VPC is refused.
    pub vpc_in_use: Option<VpcInUse>,
    /// Unknown instances are answered by 400 "invalid instance ID", the second form that was seen.
    pub instance_unknown_400: Option<bool>,
    /// Deleted things hold their network this much longer.
    pub slow_release_s: Option<u32>,
    /// Most instances and nodes of the account.
    pub instance_quota: Option<u32>,
    /// Requests a second and source address before 429; 0 switches the limit off.
    pub rate_limit: Option<u32>,
    /// Hosts that misbehave.
    pub instance: Option<HostFault>,
}

/// Hosts that misbehave.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostFault {
    /// Glob for the labels of the hosts; all when absent.
    pub label: Option<String>,
    /// `sshd` ends and stays down, also on hosts made later, until the faults are cleared.
    pub sshd_down: bool,
    /// Open SSH connections are cut.
    pub drop_connections: bool,
    /// The host reboots.
    pub reboot: bool,
}

impl HostFault {
    /// Glob for the labels of the hosts.
    #[must_use]
    pub fn pattern(&self) -> &str {
        self.label.as_deref().unwrap_or("**")
    }

    /// What happens to hosts that run.
    #[must_use]
    pub fn disturbances(&self) -> Vec<Disturbance> {
        let all = [
            (self.sshd_down, Disturbance::SshdDown),
            (self.drop_connections, Disturbance::DropConnections),
            (self.reboot, Disturbance::Reboot),
        ];
        all.into_iter()
            .filter_map(|(wanted, disturbance)| wanted.then_some(disturbance))
            .collect()
    }
}

/// An order that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The action is none of the known ones.
    #[error(
        "SLW-920: {0} is no action; use \"timeout_before\", \"timeout_after\", \"cut_body\", \"stale_list\", {{\"slow_ms\": N}} or {{\"status\": N, \"retry_after\": S, \"error\": TEXT, \"after\": BOOL}}"
    )]
    Action(String),
    /// A probability outside 0 to 1.
    #[error("SLW-921: a probability is a number from 0 to 1")]
    Probability,
    /// Match fields without an action.
    #[error("SLW-922: method, path, nth, times, probability and hold_ms need an action")]
    NoAction,
    /// Nothing at all.
    #[error(
        "SLW-923: the order is empty; give an action or one of sold_out, withdrawn, cluster_stuck, upgrade_stuck, stale_attach, vpc_in_use, instance_unknown_400, slow_release_s, instance_quota, rate_limit, instance"
    )]
    Empty,
}

impl FaultOrder {
    /// The rule in the order, when it holds one.
    pub fn rule(&self) -> Result<Option<RuleView>, OrderError> {
        let Some(action) = &self.action else {
            let matches = self.method.is_some()
                || self.path.is_some()
                || self.nth.is_some()
                || self.times.is_some();
            if matches || self.probability.is_some() || self.hold_ms.is_some() {
                return Err(OrderError::NoAction);
            }
            return if self.sets_circumstances() {
                Ok(None)
            } else {
                Err(OrderError::Empty)
            };
        };
        if self
            .probability
            .is_some_and(|probability| !(0.0..=1.0).contains(&probability))
        {
            return Err(OrderError::Probability);
        }
        let default_times = u64::from(self.probability.is_none());
        Ok(Some(RuleView {
            id: 0,
            method: self.method.clone(),
            path: self.path.clone(),
            nth: self.nth.unwrap_or(1).max(1),
            times: self.times.unwrap_or(default_times),
            probability: self.probability,
            action: read_action(action)?,
            hold_ms: self.hold_ms.or_else(|| action.get("hold_ms")?.as_u64()),
            seen: 0,
            hits: 0,
        }))
    }

    fn sets_circumstances(&self) -> bool {
        self.sold_out.is_some()
            || self.withdrawn.is_some()
            || self.cluster_stuck.is_some()
            || self.upgrade_stuck.is_some()
            || self.stale_attach.is_some()
            || self.vpc_in_use.is_some()
            || self.instance_unknown_400.is_some()
            || self.slow_release_s.is_some()
            || self.instance_quota.is_some()
            || self.rate_limit.is_some()
            || self.instance.is_some()
    }
}

/// Reads `"timeout_after"`, `{"timeout_after": true}`, `{"slow_ms": 200}` or `{"status": 500, …}`.
fn read_action(action: &Value) -> Result<Action, OrderError> {
    let unknown = || OrderError::Action(action.to_string());
    if let Some(status) = action.get("status") {
        let status = status
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        return Ok(Action::Status(Failure {
            status: status
                .filter(|status| (400..=599).contains(status))
                .ok_or_else(unknown)?,
            retry_after: action.get("retry_after").and_then(Value::as_u64),
            error: action
                .get("error")
                .and_then(Value::as_str)
                .map(str::to_owned),
            after: action
                .get("after")
                .and_then(Value::as_bool)
                .unwrap_or(false),
        }));
    }
    if let Some(delay) = action.get("slow_ms") {
        return delay.as_u64().map(Action::SlowMs).ok_or_else(unknown);
    }
    let names = [
        ("timeout_before", Action::TimeoutBefore),
        ("timeout_after", Action::TimeoutAfter),
        ("cut_body", Action::CutBody),
        ("stale_list", Action::StaleList),
    ];
    let is_called = |name: &str| {
        action.as_str() == Some(name)
            || action
                .get(name)
                .is_some_and(|value| *value != Value::Bool(false))
    };
    names
        .into_iter()
        .find(|(name, _)| is_called(name))
        .map(|(_, action)| action)
        .ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(order: Value) -> Result<Option<RuleView>, OrderError> {
        serde_json::from_value::<FaultOrder>(order).unwrap().rule()
    }

    #[test]
    fn actions_are_read_in_both_forms() {
        for action in [
            json!("timeout_after"),
            json!({"timeout_after": true}),
            json!({"timeout_after": {}, "hold_ms": 5}),
        ] {
            let rule = rule(json!({"path": "/vpcs", "action": action}))
                .unwrap()
                .unwrap();
            assert_eq!(
                (rule.action, rule.nth, rule.times),
                (Action::TimeoutAfter, 1, 1)
            );
        }
        let failing = rule(json!({"times": 3, "action": {"status": 429, "retry_after": 2}}))
            .unwrap()
            .unwrap();
        assert_eq!(
            failing.action,
            Action::Status(Failure {
                status: 429,
                retry_after: Some(2),
                error: None,
                after: false
            })
        );
    }

    #[test]
    fn orders_without_sense_are_refused() {
        assert!(rule(json!({})).is_err());
        assert!(rule(json!({"path": "/vpcs"})).is_err());
        assert!(rule(json!({"action": "explode"})).is_err());
        assert!(rule(json!({"action": {"status": 200}})).is_err());
        assert!(rule(json!({"action": "cut_body", "probability": 2.0})).is_err());
        assert!(serde_json::from_value::<FaultOrder>(json!({"sold": []})).is_err());
    }
}
