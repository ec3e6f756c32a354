//! What an environment would be made of and what its nodes would cost, for those who ask before they do.
//!
//! Nothing is invented: sizes come from the settings, prices from a saved answer of the cloud's `GET /v2/plans`. What
//! nobody configured is `null`, with the reason beside it.

use claims::{Claim, EnvironmentType, PoolKind};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Nodes of each pool of each type, and the price of each plan.
#[derive(Clone, Debug, Default)]
pub struct Estimates {
    sizes: Sizes,
    /// Dollars an hour, by plan; `None` when no prices are configured.
    hourly: Option<BTreeMap<String, Decimal>>,
}

/// Nodes by type of environment and kind of pool.
pub type Sizes = BTreeMap<String, BTreeMap<String, Size>>;

/// The nodes of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// The cloud's name of what a node is.
    pub plan: String,
    /// How many there are at least.
    pub nodes: u32,
}

/// What an environment would be made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Estimate {
    /// Everything that would be made, outermost first.
    pub objects: Vec<PlannedObject>,
    /// Its node pools.
    pub nodes: Vec<PlannedPool>,
    /// What all nodes cost a day, in US dollars before tax; `null` when that cannot be known.
    pub price_per_day: Option<String>,
    /// Why there is no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_price_because: Option<String>,
}

/// An object that would be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlannedObject {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A node pool that would be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlannedPool {
    /// Its kind.
    pub kind: String,
    /// What a node is; `null` when no size is configured for it.
    pub plan: Option<String>,
    /// How many nodes there are at least; `null` when no size is configured for it.
    pub nodes: Option<u32>,
}

/// The configuration of estimates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("SLW-529: estimates cannot be made from {what}: {why}; correct it, or leave it out")]
pub struct EstimateError {
    what: String,
    why: String,
}

#[derive(Deserialize)]
struct Plans {
    plans: Vec<Plan>,
}

#[derive(Deserialize)]
struct Plan {
    id: String,
    #[serde(with = "rust_decimal::serde::arbitrary_precision_option", default)]
    hourly_cost: Option<Decimal>,
}

impl Estimates {
    /// Reads the sizes and, if there is one, a saved answer of `GET /v2/plans`.
    pub fn new(sizes: Sizes, plans: Option<&[u8]>) -> Result<Self, EstimateError> {
        let refuse = |what: &str, why: String| EstimateError {
            what: what.to_owned(),
            why,
        };
        for (kind, pools) in &sizes {
            let profile = kind
                .parse::<EnvironmentType>()
                .map_err(|why| refuse("sizes", why))?
                .profile();
            for pool in pools.keys() {
                if !profile.pools.iter().any(|known| known.as_str() == pool) {
                    return Err(refuse("sizes", format!("{kind} has no pool `{pool}`")));
                }
            }
        }
        let hourly = plans
            .map(|plans| {
                let plans: Plans = serde_json::from_slice(plans).map_err(|error| {
                    refuse("the saved answer of GET /v2/plans", error.to_string())
                })?;
                let priced = plans.plans.into_iter();
                Ok(priced
                    .filter_map(|plan| Some((plan.id, plan.hourly_cost?)))
                    .collect())
            })
            .transpose()?;
        Ok(Self { sizes, hourly })
    }

    /// What the environment of a claim is made of.
    #[must_use]
    pub fn of(&self, claim: &Claim) -> Estimate {
        let nodes: Vec<PlannedPool> = claim
            .environment_type
            .profile()
            .pools
            .iter()
            .map(|kind| self.pool(claim.environment_type, *kind))
            .collect();
        let price = self.price_per_day(&nodes);
        Estimate {
            objects: objects(claim, &nodes),
            price_per_day: price.as_ref().ok().map(ToString::to_string),
            no_price_because: price.err(),
            nodes,
        }
    }

    fn pool(&self, of: EnvironmentType, kind: PoolKind) -> PlannedPool {
        let size = self
            .sizes
            .get(of.as_str())
            .and_then(|pools| pools.get(kind.as_str()));
        PlannedPool {
            kind: kind.as_str().to_owned(),
            plan: size.map(|size| size.plan.clone()),
            nodes: size.map(|size| size.nodes),
        }
    }

    fn price_per_day(&self, pools: &[PlannedPool]) -> Result<Decimal, String> {
        let hourly = self
            .hourly
            .as_ref()
            .ok_or("no prices are configured (setting `plans_file`)")?;
        let mut sum = Decimal::ZERO;
        for pool in pools {
            let (Some(plan), Some(nodes)) = (&pool.plan, pool.nodes) else {
                return Err(format!("no size is configured for the pool {}", pool.kind));
            };
            let price = hourly
                .get(plan)
                .ok_or_else(|| format!("the cloud named no hourly price of {plan}"))?;
            sum += price * Decimal::from(nodes);
        }
        Ok((sum * Decimal::from(24)).round_dp(2).normalize())
    }
}

/// Every object of an environment, as docs/guides/platform-api.md explains them.
fn objects(claim: &Claim, pools: &[PlannedPool]) -> Vec<PlannedObject> {
    let name = claim.environment_name.as_str();
    let one = |kind: &str, name: String| PlannedObject {
        kind: kind.to_owned(),
        name,
    };
    let mut objects = vec![
        one("Claim", format!("{name}.json")),
        one("EnvironmentClaim", name.to_owned()),
        one("Namespace", format!("env-{name}")),
        one("Environment", name.to_owned()),
        one("Vpc", name.to_owned()),
        one("FirewallGroup", name.to_owned()),
        one("KubernetesCluster", name.to_owned()),
    ];
    let pools = pools
        .iter()
        .map(|pool| one("NodePool", format!("{name}-{}", pool.kind)));
    objects.extend(pools);
    objects.extend(
        claim
            .services
            .keys()
            .map(|service| one("Service", service.clone())),
    );
    objects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tests::environment;

    fn sizes() -> Sizes {
        let pools = r#"{"general-restricted": {"plan": "vc2-2c-4gb", "nodes": 1},
            "general-public": {"plan": "vc2-2c-4gb", "nodes": 2}, "spot": {"plan": "vc2-1c-2gb", "nodes": 0}}"#;
        serde_json::from_str(&format!(r#"{{"dev": {pools}}}"#)).unwrap()
    }

    #[test]
    fn nodes_cost_what_the_cloud_says() {
        let plans = br#"{"plans": [{"id": "vc2-2c-4gb", "hourly_cost": 0.03}, {"id": "vc2-1c-2gb", "hourly_cost": 0.015}]}"#;
        let estimates = Estimates::new(sizes(), Some(plans)).unwrap();
        let estimate = estimates.of(&environment("dev-x", "team1").claim);
        assert_eq!(estimate.price_per_day.as_deref(), Some("2.16"));
        assert_eq!(estimate.no_price_because, None);
        assert!(
            estimate
                .objects
                .iter()
                .any(|object| object.name == "env-dev-x")
        );
    }

    #[test]
    fn what_nobody_configured_is_not_invented() {
        let of = |estimates: Estimates| estimates.of(&environment("dev-x", "team1").claim);
        let nothing = of(Estimates::default());
        assert_eq!(
            (nothing.price_per_day, nothing.nodes[0].nodes),
            (None, None)
        );
        let unknown = of(Estimates::new(sizes(), Some(br#"{"plans": []}"#)).unwrap());
        assert!(unknown.no_price_because.unwrap().contains("vc2-2c-4gb"));
    }

    #[test]
    fn a_size_of_a_pool_that_the_type_does_not_have_is_refused() {
        let sizes = serde_json::from_str(r#"{"dev": {"ai": {"plan": "x", "nodes": 1}}}"#).unwrap();
        assert!(Estimates::new(sizes, None).is_err());
    }
}
