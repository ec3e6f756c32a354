//! Rules for single calls: which call, and what happens to it.

use serde::{Serialize, Serializer};
use serde_json::json;

use super::glob;
use crate::account::seeded::Seeded;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// An error answer instead of, or (`after`) in spite of, the effect.
    Status(Failure),
    /// No answer, no effect; the connection is held, then closed.
    TimeoutBefore,
    /// No answer, though the call took effect.
    TimeoutAfter,
    /// Half of the answer's body, then the connection ends.
    CutBody,
    /// The answer comes this much later.
    SlowMs(u64),
    /// A list as it was before the newest creation or deletion.
    StaleList,
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// Seconds for a `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Words instead of the vendor's for this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether the call takes effect before it fails.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub after: bool,
}

/// An action is shown in the words in which it is ordered.
impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Status(failure) => failure.serialize(serializer),
            Self::SlowMs(delay) => json!({"slow_ms": delay}).serialize(serializer),
            Self::TimeoutBefore => serializer.serialize_str("timeout_before"),
            Self::TimeoutAfter => serializer.serialize_str("timeout_after"),
            Self::CutBody => serializer.serialize_str("cut_body"),
            Self::StaleList => serializer.serialize_str("stale_list"),
        }
    }
}

/// A rule as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct RuleView {
    /// Number, for its removal.
    pub id: u64,
    /// Method, or any.
    pub method: Option<String>,
    /// Glob for the path, or any.
    pub path: Option<String>,
    /// First matching call that it hits.
    pub nth: u64,
    /// How many calls it hits; 0 means without end.
    pub times: u64,
    /// Chance that it hits a call that it could.
    pub probability: Option<f64>,
    /// What happens.
    pub action: Action,
    /// How long a timeout holds the connection.
    pub hold_ms: Option<u64>,
    /// Calls that matched so far.
    pub seen: u64,
    /// Calls that it hit so far.
    pub hits: u64,
}

struct Rule {
    view: RuleView,
    seeded: Seeded,
}

/// What happens to one call.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) action: Action,
    pub(crate) hold_ms: Option<u64>,
    /// Name of the fault, for the journal.
    pub(crate) name: String,
}

/// All rules, oldest first.
#[derive(Default)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    last_id: u64,
}

impl Rules {
    /// Adds a rule; its number is set here.
    pub(crate) fn add(&mut self, mut view: RuleView, seed: u64) -> u64 {
        self.last_id += 1;
        view.id = self.last_id;
        self.rules.push(Rule {
            view,
            seeded: Seeded::new(seed),
        });
        self.last_id
    }

    /// Takes one rule away.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.view.id != id);
        self.rules.len() < before
    }

    /// Takes all rules away.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Rules as they stand.
    pub(crate) fn views(&self) -> Vec<RuleView> {
        self.rules.iter().map(|rule| rule.view.clone()).collect()
    }

    /// Counts a call and says what happens to it. The oldest rule that hits decides.
    pub(crate) fn decide(&mut self, method: &str, path: &str) -> Option<Decision> {
        let mut decision = None;
        for rule in self
            .rules
            .iter_mut()
            .filter(|rule| rule.view.covers(method, path))
        {
            rule.view.seen += 1;
            let spent = rule.view.times > 0 && rule.view.hits >= rule.view.times;
            let due = rule.view.seen >= rule.view.nth && !spent;
            let drawn = due
                && rule
                    .view
                    .probability
                    .is_none_or(|probability| rule.seeded.chance(probability));
            if drawn && decision.is_none() {
                rule.view.hits += 1;
                decision = Some(Decision {
                    action: rule.view.action.clone(),
                    hold_ms: rule.view.hold_ms,
                    name: rule.view.name(),
                });
            }
        }
        decision
    }
}

impl RuleView {
    fn covers(&self, method: &str, path: &str) -> bool {
        let method_fits = self
            .method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        let path_fits = self.path.as_deref().is_none_or(|pattern| {
            // Both /v2/vpcs and /vpcs name the same call.
            let pattern = pattern
                .strip_prefix("/v2")
                .filter(|rest| rest.starts_with(['/', '*']))
                .unwrap_or(pattern);
            glob::matches(pattern, path.strip_prefix("/v2").unwrap_or(path))
        });
        method_fits && path_fits
    }

    fn name(&self) -> String {
        let what = match &self.action {
            Action::Status(failure) if failure.after => {
                format!("status {} after the effect", failure.status)
            }
            Action::Status(failure) => format!("status {}", failure.status),
            Action::TimeoutBefore => "timeout before the effect".to_owned(),
            Action::TimeoutAfter => "timeout after the effect".to_owned(),
            Action::CutBody => "cut body".to_owned(),
            Action::SlowMs(delay) => format!("slow by {delay} ms"),
            Action::StaleList => "stale list".to_owned(),
        };
        format!("#{}: {what}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: &str, nth: u64, times: u64) -> RuleView {
        RuleView {
            id: 0,
            method: Some("POST".to_owned()),
            path: Some(path.to_owned()),
            nth,
            times,
            probability: None,
            action: Action::TimeoutAfter,
            hold_ms: None,
            seen: 0,
            hits: 0,
        }
    }

    fn hits(rules: &mut Rules, method: &str, path: &str, calls: usize) -> Vec<bool> {
        (0..calls)
            .map(|_| rules.decide(method, path).is_some())
            .collect()
    }

    #[test]
    fn a_rule_hits_from_its_nth_call_so_many_times() {
        let mut rules = Rules::default();
        rules.add(rule("/vpcs", 2, 2), 0);
        assert_eq!(hits(&mut rules, "GET", "/v2/vpcs", 3), [false; 3]);
        assert_eq!(
            hits(&mut rules, "POST", "/v2/vpcs", 5),
            [false, true, true, false, false]
        );
    }

    #[test]
    fn a_seed_makes_chances_repeat() {
        let draw = |seed| {
            let mut rules = Rules::default();
            rules.add(
                RuleView {
                    probability: Some(0.5),
                    ..rule("/v2/**", 1, 0)
                },
                seed,
            );
            hits(&mut rules, "POST", "/v2/vpcs/1/x", 40)
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
