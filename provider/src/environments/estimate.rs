//! What an environment costs, as far as its claim tells: an estimate.

use claims::EnvironmentType;
use rust_decimal::Decimal;

use crate::catalogue::Catalogue;
use crate::pool_kind::PoolKind;

/// What the prices of environments are, for whoever reads one.
pub(crate) const BASIS: &str = "Prices are estimates, list price for one node in each pool of the environment's type. A claim whose cluster does not run costs nothing.";

/// One node in each pool of the type, at the price that the account's catalogue names for the region, USD a month.
/// Nothing if the catalogue lacks one of the plans.
pub(crate) fn monthly(
    catalogue: &Catalogue,
    region: &str,
    kind: EnvironmentType,
) -> Option<Decimal> {
    let pools = kind.profile().pools.iter();
    pools
        .map(|pool| {
            let plan = PoolKind::named(pool.as_str())?.plan;
            Some(catalogue.plan(plan)?.price_in(region))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{PlanOffer, Rate};
    use crate::pool_kind;

    fn rate(monthly: i64) -> Rate {
        Rate {
            monthly: Decimal::from(monthly),
            hourly: None,
        }
    }

    fn offer(id: &str) -> PlanOffer {
        PlanOffer {
            id: id.into(),
            kind: "vc2".into(),
            vcpus: 2,
            memory_mb: 4096,
            disk_gb: 80,
            list: rate(10),
            regional: std::iter::once(("sao".to_owned(), rate(15))).collect(),
            regions: ["ams".to_owned(), "sao".to_owned()].into(),
        }
    }

    #[test]
    fn a_type_costs_a_node_in_each_of_its_pools_at_the_regions_price() {
        let mut catalogue = Catalogue {
            plans: pool_kind::ALL.iter().map(|kind| offer(kind.plan)).collect(),
            ..Catalogue::default()
        };
        let price = |catalogue: &Catalogue, region, kind| monthly(catalogue, region, kind);
        assert_eq!(
            price(&catalogue, "ams", EnvironmentType::Dev),
            Some(Decimal::from(30))
        );
        assert_eq!(
            price(&catalogue, "sao", EnvironmentType::Dev),
            Some(Decimal::from(45))
        );
        assert_eq!(
            price(&catalogue, "ams", EnvironmentType::Prod),
            Some(Decimal::from(60))
        );
        catalogue.plans.clear();
        assert_eq!(price(&catalogue, "ams", EnvironmentType::Dev), None);
    }
}
