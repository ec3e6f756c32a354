//! Which plan the nodes of a pool get: the first of those that its user accepts that is in stock in the region.

use std::collections::BTreeSet;
use std::sync::Arc;

use tfplugin::value::Attr;
use tfplugin::{AttributePath, Object, ValueError};

use crate::catalogue::{CHEAPEST_NODE, Catalogue, PlanOffer};
use crate::fault::{self, Cause, Fault};
use crate::nearest::nearest;
use crate::session::Session;

/// How many plans an error lists.
const PLANS_SHOWN: usize = 12;

/// The plans that a pool may run on, the preferred one first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accepted(Vec<String>);

impl Accepted {
    /// What a pool may be made with: the plan that was planned for it, or, where the stock decides, every accepted one.
    pub(crate) fn to_make(pool: &Object) -> Result<Self, ValueError> {
        match pool.get::<Attr<String>>("chosen_plan")? {
            Attr::Known(plan) => Ok(Self(vec![plan])),
            Attr::Null | Attr::Unknown => Ok(Self::read(pool)?.unwrap_or_default()),
        }
    }

    /// Reads `plan` and `plan_fallbacks` of a pool; nothing while one of them is not known or there is no plan.
    pub(crate) fn read(pool: &Object) -> Result<Option<Self>, ValueError> {
        let Attr::Known(preferred) = pool.get::<Attr<String>>("plan")? else {
            return Ok(None);
        };
        if !pool.value("plan_fallbacks").is_wholly_known() {
            return Ok(None);
        }
        let fallbacks: Option<Vec<String>> = pool.get("plan_fallbacks")?;
        let plans = std::iter::once(preferred).chain(fallbacks.unwrap_or_default());
        Ok(Some(Self(plans.collect())))
    }

    /// Whether nodes of this plan are as wanted.
    pub(crate) fn accepts(&self, plan: &str) -> bool {
        self.0.iter().any(|accepted| accepted == plan)
    }

    /// Whether the stock of the moment decides.
    pub(crate) fn leaves_a_choice(&self) -> bool {
        self.0.len() > 1
    }

    /// Refuses a plan that can carry nodes nowhere: all that can be said before the region is known.
    pub(crate) fn check(
        &self,
        catalogue: &Catalogue,
        name: &str,
        at: impl Into<AttributePath>,
    ) -> Result<(), Fault> {
        let at = at.into();
        for (place, plan) in self.places(name) {
            let everywhere = catalogue.plan(plan).and_then(|offer| offer.regions.first());
            let market = Market {
                catalogue: Arc::new(catalogue.clone()),
                region: everywhere.cloned().unwrap_or_default(),
                stock: Arc::new(catalogue.plans.iter().map(|one| one.id.clone()).collect()),
            };
            market
                .offer(plan)
                .map_err(|refused| market.tell(&place, plan, &refused).at(&at))?;
        }
        Ok(())
    }

    /// The plans with how their user wrote the attribute that names them.
    fn places<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (String, &'a str)> {
        self.0.iter().enumerate().map(move |(position, plan)| {
            let place = match position {
                0 => name.to_owned(),
                _ => format!("{name}_fallbacks"),
            };
            (place, plan.as_str())
        })
    }
}

/// Writes the plan that nodes were seen to have into the state of their pool. The plan that was preferred stays in the
/// state while the seen one is a fallback of it.
pub(crate) fn write_seen(plan: &str, pool: &mut Object) -> Result<(), ValueError> {
    let accepted = Accepted::read(pool)?.is_some_and(|accepted| accepted.accepts(plan));
    if !accepted {
        pool.set("plan", plan);
    }
    pool.set("chosen_plan", plan);
    Ok(())
}

/// What can be bought in a region.
pub(crate) struct Market {
    catalogue: Arc<Catalogue>,
    region: String,
    stock: Arc<BTreeSet<String>>,
}

/// Why a plan cannot be bought.
struct Refused {
    cause: Cause,
    problem: String,
}

impl Market {
    /// As it was when this command first asked.
    pub(crate) async fn of(session: &Session, region: &str) -> Result<Self, Fault> {
        let (catalogue, stock) = tokio::try_join!(session.catalogue(), session.stock(region))?;
        Ok(Self {
            catalogue,
            region: region.to_owned(),
            stock,
        })
    }

    /// As it is now, for the moment before something is bought.
    pub(crate) async fn now(session: &Session, region: &str) -> Result<Self, Fault> {
        let (catalogue, stock) = tokio::try_join!(session.catalogue(), session.stock_now(region))?;
        Ok(Self {
            catalogue,
            region: region.to_owned(),
            stock,
        })
    }

    /// The region.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Everything that can be bought, also what is too small for a node.
    pub(crate) fn in_stock(&self) -> impl Iterator<Item = &PlanOffer> {
        self.catalogue
            .plans
            .iter()
            .filter(|offer| self.stock.contains(&offer.id))
    }

    /// What is listed of a plan, in stock or not.
    pub(crate) fn listed(&self, plan: &str) -> Option<&PlanOffer> {
        self.catalogue.plan(plan)
    }

    /// The first accepted plan that can be bought. A plan that never could be is refused also where another one is in
    /// stock. `name` is how the user wrote the attribute of the preferred one.
    pub(crate) fn choose(
        &self,
        accepted: &Accepted,
        name: &str,
        at: impl Into<AttributePath>,
    ) -> Result<&PlanOffer, Fault> {
        let at = at.into();
        let (mut chosen, mut sold_out) = (None, None);
        for (place, plan) in accepted.places(name) {
            match self.offer(plan) {
                Ok(offer) => {
                    chosen.get_or_insert(offer);
                }
                Err(refused) if refused.cause == fault::OUT_OF_STOCK => {
                    sold_out.get_or_insert((place, plan, refused));
                }
                Err(refused) => return Err(self.tell(&place, plan, &refused).at(at)),
            }
        }
        match (chosen, sold_out) {
            (Some(offer), _) => Ok(offer),
            (None, Some((place, plan, mut refused))) => {
                if accepted.leaves_a_choice() {
                    refused.problem.push_str(", and so are its fallbacks");
                }
                Err(self.tell(&place, plan, &refused).at(at))
            }
            (None, None) => {
                Err(Fault::new(fault::UNKNOWN_PLAN, format!("{name}: no plan is named.")).at(at))
            }
        }
    }

    fn offer(&self, plan: &str) -> Result<&PlanOffer, Refused> {
        let refused = |cause, problem| Err(Refused { cause, problem });
        match self.catalogue.plan(plan) {
            None => refused(fault::UNKNOWN_PLAN, format!("Vultr has no plan {plan:?}")),
            Some(offer) if !offer.fits_nodes() => refused(
                fault::UNKNOWN_PLAN,
                format!(
                    "plan {plan:?} is too small: a cluster's nodes need one of {CHEAPEST_NODE} USD a month or more"
                ),
            ),
            Some(offer) if self.stock.contains(plan) => Ok(offer),
            Some(offer) if offer.regions.contains(&self.region) => refused(
                fault::OUT_OF_STOCK,
                format!(
                    "plan {plan:?} is sold out in region {:?} at the moment",
                    self.region
                ),
            ),
            Some(_) => refused(
                fault::UNKNOWN_PLAN,
                format!("plan {plan:?} is not sold in region {:?}", self.region),
            ),
        }
    }

    fn tell(&self, place: &str, plan: &str, refused: &Refused) -> Fault {
        let mut words: Vec<&str> = self
            .in_stock()
            .filter(|offer| offer.fits_nodes())
            .map(|offer| offer.id.as_str())
            .collect();
        let all = words.len();
        let hint = nearest(plan, words.iter().copied())
            .map(|word| format!(" Did you mean {word:?}?"))
            .unwrap_or_default();
        words.sort_by_key(|word| std::cmp::Reverse(likeness(plan, word)));
        words.truncate(PLANS_SHOWN);
        let more = match all - words.len() {
            0 => String::new(),
            more => format!(" and {more} more (data slipway_catalog lists them)"),
        };
        Fault::new(
            refused.cause,
            format!(
                "{place}: {}. In stock there: {}{more}.{hint}",
                refused.problem,
                words.join(", ")
            ),
        )
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
pub(crate) mod tests {
    use super::*;
    use crate::catalogue::tests::catalogue;

    pub(crate) fn market(region: &str, stock: &[&str]) -> Market {
        Market {
            catalogue: Arc::new(catalogue()),
            region: region.to_owned(),
            stock: Arc::new(stock.iter().map(|plan| (*plan).to_owned()).collect()),
        }
    }

    fn accepted(plans: &[&str]) -> Accepted {
        Accepted(plans.iter().map(|plan| (*plan).to_owned()).collect())
    }

    fn chosen(stock: &[&str], plans: &[&str]) -> Result<String, String> {
        market("ams", stock)
            .choose(&accepted(plans), "system_pool.plan", "system_pool")
            .map(|offer| offer.id.clone())
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn each_way_a_plan_can_be_missing_is_told_apart() {
        let stock = ["vc2-4c-8gb", "vc2-1c-1gb"];
        assert_eq!(chosen(&stock, &["vc2-4c-8gb"]).unwrap(), "vc2-4c-8gb");
        for (plan, why) in [
            ("vc2-4c-9gb", "Vultr has no plan"),
            ("vc2-6c-16gb", "sold out in region \"ams\""),
            ("vhp-4c-8gb", "not sold in region \"ams\""),
            ("vc2-1c-1gb", "too small"),
        ] {
            let fault = chosen(&stock, &[plan]).unwrap_err();
            assert!(
                fault.contains(why) && fault.contains("In stock there: vc2-4c-8gb"),
                "{fault}"
            );
        }
        let fault = chosen(&stock, &["vc2-4c-9gb"]).unwrap_err();
        assert!(fault.contains("Did you mean \"vc2-4c-8gb\"?"), "{fault}");
    }

    #[test]
    fn the_first_accepted_plan_in_stock_is_chosen() {
        let plans = ["vc2-6c-16gb", "vc2-4c-8gb"];
        assert_eq!(chosen(&plans, &plans).unwrap(), "vc2-6c-16gb");
        assert_eq!(chosen(&["vc2-4c-8gb"], &plans).unwrap(), "vc2-4c-8gb");
        let fault = chosen(&[], &plans).unwrap_err();
        assert!(
            fault.contains("SLW-113") && fault.contains("and so are its fallbacks"),
            "{fault}"
        );
    }

    #[test]
    fn a_fallback_that_does_not_exist_is_refused_although_it_is_not_needed() {
        let fault = chosen(&["vc2-4c-8gb"], &["vc2-4c-8gb", "vc2-4c-9gb"]).unwrap_err();
        assert!(
            fault.contains("system_pool.plan_fallbacks: Vultr has no plan"),
            "{fault}"
        );
        let told = accepted(&["vc2-4c-8gb", "vc2-1c-1gb"]).check(&catalogue(), "plan", "plan");
        let told = told.unwrap_err().to_string();
        assert!(
            told.contains("plan_fallbacks: plan \"vc2-1c-1gb\" is too small"),
            "{told}"
        );
        assert!(
            accepted(&["vhp-4c-8gb"])
                .check(&catalogue(), "plan", "plan")
                .is_ok()
        );
    }

    #[test]
    fn the_preferred_plan_stays_in_the_state_while_a_fallback_of_it_runs() {
        let pool = Object::new()
            .with("plan", "vc2-6c-16gb")
            .with("plan_fallbacks", vec!["vc2-4c-8gb"]);
        for (seen, preferred) in [("vc2-4c-8gb", "vc2-6c-16gb"), ("vhp-4c-8gb", "vhp-4c-8gb")] {
            let mut pool = pool.clone();
            write_seen(seen, &mut pool).unwrap();
            let text = |name: &str| pool.get::<String>(name).unwrap();
            assert_eq!(
                (text("plan").as_str(), text("chosen_plan").as_str()),
                (preferred, seen)
            );
        }
    }
}
