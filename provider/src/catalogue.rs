//! What Vultr offers, as far as a plan needs it: regions, plans with prices and stock, Kubernetes builds.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::fault::{self, Fault};
use crate::kubernetes_version::Constraint;
use crate::nearest::allowed_words;

/// Below this price a month Vultr takes a plan for no node of a cluster.
pub(crate) const CHEAPEST_NODE: i64 = 10;

/// Families of GPU slices that clusters were reported not to get.
const SLICES: [&str; 2] = ["vcg-a16-", "vcg-a100-"];

/// A region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegionOffer {
    pub(crate) id: String,
    pub(crate) city: String,
    pub(crate) country: String,
    /// Whether clusters can be made there.
    pub(crate) kubernetes: bool,
}

/// What something costs, USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) monthly: Decimal,
    /// Where the catalogue names one.
    pub(crate) hourly: Option<Decimal>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanOffer {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) vcpus: u32,
    pub(crate) memory_mb: u64,
    pub(crate) disk_gb: u64,
    /// Its list price, where the region has none of its own.
    pub(crate) list: Rate,
    /// Regions with a price of their own.
    pub(crate) regional: BTreeMap<String, Rate>,
    /// Regions where it is sold at all.
    pub(crate) regions: BTreeSet<String>,
}

impl PlanOffer {
    /// Its list price in a region.
    pub(crate) fn rate_in(&self, region: &str) -> Rate {
        self.regional.get(region).copied().unwrap_or(self.list)
    }

    /// The same, USD a month.
    pub(crate) fn price_in(&self, region: &str) -> Decimal {
        self.rate_in(region).monthly
    }

    /// What is reported of it and promised nowhere: the API has no list of the plans that clusters take.
    pub(crate) fn caution(&self) -> Option<&'static str> {
        let slice = SLICES.iter().any(|family| self.id.starts_with(family));
        slice.then_some("Vultr was reported to refuse A16 and A100 slices as nodes of clusters; only the create will show it")
    }

    /// Whether Vultr takes it for the nodes of a cluster.
    pub(crate) fn fits_nodes(&self) -> bool {
        self.list.monthly >= Decimal::from(CHEAPEST_NODE)
    }
}

impl From<vultr::Region> for RegionOffer {
    fn from(region: vultr::Region) -> Self {
        Self {
            kubernetes: region.has_kubernetes(),
            id: region.id,
            city: region.city,
            country: region.country,
        }
    }
}

impl From<vultr::LocationCost> for Rate {
    fn from(cost: vultr::LocationCost) -> Self {
        Self {
            monthly: cost.monthly_cost,
            hourly: cost.hourly_cost,
        }
    }
}

impl From<vultr::Plan> for PlanOffer {
    fn from(plan: vultr::Plan) -> Self {
        Self {
            id: plan.id,
            kind: plan.family,
            vcpus: plan.vcpu_count,
            memory_mb: plan.ram,
            disk_gb: plan.disk,
            list: Rate {
                monthly: plan.monthly_cost,
                hourly: plan.hourly_cost,
            },
            regional: plan
                .location_cost
                .into_iter()
                .map(|(region, cost)| (region, Rate::from(cost)))
                .collect(),
            regions: plan.locations.into_iter().collect(),
        }
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
    /// Fetches regions and plans; the builds are fetched apart, since many a plan needs them alone.
    pub(crate) async fn fetch(
        client: &vultr::Client,
        builds: Vec<String>,
    ) -> Result<Self, vultr::Error> {
        let (regions, plans) = tokio::try_join!(client.regions(), client.plans())?;
        Ok(Self {
            regions: regions.into_iter().map(RegionOffer::from).collect(),
            plans: plans
                .into_iter()
                .filter(|plan| plan.deploy_ondemand)
                .map(PlanOffer::from)
                .collect(),
            builds,
        })
    }

    /// The plan of that id.
    pub(crate) fn plan(&self, id: &str) -> Option<&PlanOffer> {
        self.plans.iter().find(|offer| offer.id == id)
    }

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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn rate(monthly: i64) -> Rate {
        Rate {
            monthly: Decimal::from(monthly),
            hourly: None,
        }
    }

    pub(crate) fn offer(id: &str, monthly: i64, regions: &[&str]) -> PlanOffer {
        PlanOffer {
            id: id.to_owned(),
            kind: "vc2".to_owned(),
            vcpus: 4,
            memory_mb: 8192,
            disk_gb: 160,
            list: rate(monthly),
            regional: BTreeMap::from([("syd".to_owned(), rate(monthly * 2))]),
            regions: regions.iter().map(|r| (*r).to_owned()).collect(),
        }
    }

    pub(crate) fn catalogue() -> Catalogue {
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
    fn only_reported_slices_have_a_caution() {
        assert!(offer("vcg-a16-2c-8g-2vram", 43, &[]).caution().is_some());
        assert!(offer("vcg-a40-2c-10g-4vram", 105, &[]).caution().is_none());
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
