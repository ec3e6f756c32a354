//! What Vultr offers, as far as a plan needs it: regions, plans with prices and stock, Kubernetes builds.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use tfplugin::AttributePath;

use crate::fault::{self, Fault};
use crate::kubernetes_version::Constraint;
use crate::nearest::{allowed_words, nearest};

/// Below this price a month Vultr takes a plan for no node of a cluster.
const CHEAPEST_NODE: i64 = 10;

/// How many plans an error lists.
const PLANS_SHOWN: usize = 12;

/// A region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegionOffer {
    pub(crate) id: String,
    pub(crate) city: String,
    pub(crate) country: String,
    /// Whether clusters can be made there.
    pub(crate) kubernetes: bool,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanOffer {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) vcpus: u32,
    pub(crate) memory_mb: u64,
    pub(crate) disk_gb: u64,
    pub(crate) monthly: Decimal,
    /// Regions with a price of their own.
    pub(crate) regional: BTreeMap<String, Decimal>,
    /// Regions where it is sold at all.
    pub(crate) regions: BTreeSet<String>,
}

impl PlanOffer {
    /// Its list price in a region, USD a month.
    pub(crate) fn price_in(&self, region: &str) -> Decimal {
        self.regional.get(region).copied().unwrap_or(self.monthly)
    }

    /// Whether Vultr takes it for the nodes of a cluster.
    fn fits_nodes(&self) -> bool {
        self.monthly >= Decimal::from(CHEAPEST_NODE)
    }
}

/// Everything that does not depend on a region's stock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalogue {
    pub(crate) regions: Vec<RegionOffer>,
    pub(crate) plans: Vec<PlanOffer>,
    /// Kubernetes builds, newest first.
    pub(crate) builds: Vec<String>,
}

impl Catalogue {
    /// A region where clusters can be made.
    pub(crate) fn region(&self, id: &str) -> Result<&RegionOffer, Fault> {
        let with_clusters = || self.regions.iter().filter(|region| region.kubernetes);
        let words = || {
            allowed_words(
                id,
                with_clusters()
                    .map(|region| region.id.as_str())
                    .collect::<Vec<_>>(),
            )
        };
        match self.regions.iter().find(|region| region.id == id) {
            Some(region) if region.kubernetes => Ok(region),
            Some(_) => Err(format!(
                "Region {id:?} exists, but Vultr offers no Kubernetes there. {}",
                words()
            )),
            None => Err(format!("Vultr has no region {id:?}. {}", words())),
        }
        .map_err(|detail| {
            Fault::new(fault::UNKNOWN_REGION, format!("region: {detail}")).at("region")
        })
    }

    /// A plan that can carry nodes in a region and is in stock there. `name` is how the user wrote the attribute.
    pub(crate) fn node_plan(
        &self,
        plan: &str,
        region: &str,
        stock: &BTreeSet<String>,
        name: &str,
        at: impl Into<AttributePath>,
    ) -> Result<&PlanOffer, Fault> {
        let usable = || {
            self.plans
                .iter()
                .filter(|offer| offer.fits_nodes() && stock.contains(&offer.id))
        };
        let (cause, problem) = match self.plans.iter().find(|offer| offer.id == plan) {
            Some(offer) if !offer.fits_nodes() => (
                fault::UNKNOWN_PLAN,
                format!(
                    "plan {plan:?} is too small: a cluster's nodes need one of {CHEAPEST_NODE} USD a month or more"
                ),
            ),
            Some(offer) if stock.contains(plan) => return Ok(offer),
            Some(offer) if offer.regions.contains(region) => (
                fault::OUT_OF_STOCK,
                format!("plan {plan:?} is sold out in region {region:?} at the moment"),
            ),
            Some(_) => (
                fault::UNKNOWN_PLAN,
                format!("plan {plan:?} is not sold in region {region:?}"),
            ),
            None => (fault::UNKNOWN_PLAN, format!("Vultr has no plan {plan:?}")),
        };
        let mut words: Vec<&str> = usable().map(|offer| offer.id.as_str()).collect();
        let all = words.len();
        let hint = nearest(plan, words.iter().copied())
            .map(|word| format!(" Did you mean {word:?}?"))
            .unwrap_or_default();
        words.sort_by_key(|word| std::cmp::Reverse(likeness(plan, word)));
        words.truncate(PLANS_SHOWN);
        let more = if all > words.len() {
            format!(
                " and {} more (data slipway_catalog lists them)",
                all - words.len()
            )
        } else {
            String::new()
        };
        Err(Fault::new(
            cause,
            format!(
                "{name}: {problem}. In stock there: {}{more}.{hint}",
                words.join(", ")
            ),
        )
        .at(at))
    }

    /// A plan that can carry nodes somewhere: all that can be said before the region is known.
    pub(crate) fn known_plan(
        &self,
        plan: &str,
        name: &str,
        at: impl Into<AttributePath>,
    ) -> Result<&PlanOffer, Fault> {
        let everything = self.plans.iter().map(|offer| offer.id.clone()).collect();
        let region = self
            .plans
            .iter()
            .find(|offer| offer.id == plan)
            .and_then(|offer| offer.regions.first());
        self.node_plan(
            plan,
            region.map_or("", String::as_str),
            &everything,
            name,
            at,
        )
    }

    /// The newest build that satisfies a constraint.
    pub(crate) fn build(&self, constraint: &Constraint) -> Result<&str, Fault> {
        constraint.resolve(&self.builds).ok_or_else(|| {
            let words = allowed_words(&constraint.to_string(), self.builds.iter().map(String::as_str).collect::<Vec<_>>());
            Fault::new(
                fault::NO_BUILD,
                format!("kubernetes_version: Vultr offers no build that satisfies \"{constraint}\". {words}"),
            )
            .at("kubernetes_version")
        })
    }
}

/// How alike two words are, as a whole number that sorts.
fn likeness(a: &str, b: &str) -> u64 {
    // 0 to 1 scaled: no sign, no fraction that matters.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    {
        (strsim::jaro_winkler(a, b) * 1_000_000.0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(id: &str, monthly: i64, regions: &[&str]) -> PlanOffer {
        PlanOffer {
            id: id.to_owned(),
            kind: "vc2".to_owned(),
            vcpus: 4,
            memory_mb: 8192,
            disk_gb: 160,
            monthly: Decimal::from(monthly),
            regional: BTreeMap::from([("syd".to_owned(), Decimal::from(monthly * 2))]),
            regions: regions.iter().map(|r| (*r).to_owned()).collect(),
        }
    }

    fn catalogue() -> Catalogue {
        let region = |id: &str, kubernetes| RegionOffer {
            id: id.to_owned(),
            city: "C".to_owned(),
            country: "NL".to_owned(),
            kubernetes,
        };
        Catalogue {
            regions: vec![
                region("ams", true),
                region("syd", true),
                region("hnl", false),
            ],
            plans: vec![
                offer("vc2-1c-1gb", 5, &["ams"]),
                offer("vc2-4c-8gb", 40, &["ams", "syd"]),
                offer("vc2-6c-16gb", 80, &["ams"]),
                offer("vhp-4c-8gb", 48, &["syd"]),
            ],
            builds: vec!["v1.36.5+1".to_owned(), "v1.35.9+1".to_owned()],
        }
    }

    fn stock(plans: &[&str]) -> BTreeSet<String> {
        plans.iter().map(|p| (*p).to_owned()).collect()
    }

    #[test]
    fn regions_without_clusters_and_misspelt_ones_name_the_allowed_ones() {
        let catalogue = catalogue();
        assert!(catalogue.region("ams").is_ok());
        let fault = catalogue.region("amd").unwrap_err().to_string();
        assert!(
            fault.contains("Did you mean \"ams\"?") && fault.contains("Allowed: ams, syd"),
            "{fault}"
        );
        let fault = catalogue.region("hnl").unwrap_err().to_string();
        assert!(fault.contains("offers no Kubernetes"), "{fault}");
    }

    #[test]
    fn each_way_a_plan_can_be_missing_is_told_apart() {
        let catalogue = catalogue();
        let stock = stock(&["vc2-4c-8gb", "vc2-1c-1gb"]);
        let ask = |plan: &str| {
            catalogue.node_plan(plan, "ams", &stock, "system_pool.plan", "system_pool")
        };
        assert_eq!(
            ask("vc2-4c-8gb").unwrap().price_in("syd"),
            Decimal::from(80)
        );
        for (plan, why) in [
            ("vc2-4c-9gb", "Vultr has no plan"),
            ("vc2-6c-16gb", "sold out in region \"ams\""),
            ("vhp-4c-8gb", "not sold in region \"ams\""),
            ("vc2-1c-1gb", "too small"),
        ] {
            let fault = ask(plan).unwrap_err().to_string();
            assert!(
                fault.contains(why) && fault.contains("In stock there: vc2-4c-8gb"),
                "{fault}"
            );
        }
        assert!(
            ask("vc2-4c-9gb")
                .unwrap_err()
                .to_string()
                .contains("Did you mean \"vc2-4c-8gb\"?")
        );
    }

    #[test]
    fn a_constraint_without_a_build_names_those_there_are() {
        let catalogue = catalogue();
        let build = |text: &str| {
            catalogue
                .build(&Constraint::parse(text).unwrap())
                .map(str::to_owned)
        };
        assert_eq!(build("1.35").unwrap(), "v1.35.9+1");
        let fault = build("1.30").unwrap_err().to_string();
        assert!(fault.contains("v1.36.5+1, v1.35.9+1"), "{fault}");
    }
}
