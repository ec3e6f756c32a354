//! What a plan can say of a pool's nodes: which plan of Vultr's they get, and what they cost.

use tfplugin::value::Attr;
use tfplugin::{Diagnostics, Object};

use crate::catalogue::PlanOffer;
use crate::fault::Fault;
use crate::price::{self, Price, Quote, dollars};
use crate::session::Session;
use crate::stock::{Accepted, Market};

/// How the user wrote the attribute that names a pool's plan, and the attribute that an error is shown at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) at: &'static str,
}

/// What was decided of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    region: String,
    plan: Chosen,
    min: Option<u32>,
    max: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Chosen {
    /// The nodes have it, or will.
    Sure(PlanOffer),
    /// The nodes would get it now; the stock decides when they are made.
    Likely(PlanOffer),
    /// The nodes have it, and the catalogue does not list it any more.
    Unlisted,
    /// What the user accepts is not known yet.
    Unknown,
}

/// Decides `chosen_plan` of a planned pool. Nodes that run keep their plan while it is accepted, in stock or not. Where the
/// stock decides between several plans, it does so when the pool is made: the choice of now need not be that of then, so
/// it is told and not planned.
pub(crate) fn decide(
    pool: &mut Object,
    running: Option<&str>,
    market: &Market,
    place: Place,
) -> Result<Decision, Diagnostics> {
    let plan = match Accepted::read(pool)? {
        None => Chosen::Unknown,
        Some(accepted) => choose(&accepted, running, market, place)?,
    };
    match (&plan, running) {
        (Chosen::Sure(offer), _) => pool.set("chosen_plan", offer.id.as_str()),
        (Chosen::Unlisted, running) => pool.set("chosen_plan", running),
        (Chosen::Unknown | Chosen::Likely(_), _) => pool.set_unknown("chosen_plan"),
    };
    let count = |name: &str| Ok::<_, Diagnostics>(pool.get::<Attr<u32>>(name)?.known());
    Ok(Decision {
        region: market.region().to_owned(),
        plan,
        min: count("min_nodes")?,
        max: count("max_nodes")?,
    })
}

fn choose(
    accepted: &Accepted,
    running: Option<&str>,
    market: &Market,
    place: Place,
) -> Result<Chosen, Fault> {
    if let Some(running) = running.filter(|running| accepted.accepts(running)) {
        let listed = market.listed(running).cloned();
        return Ok(listed.map_or(Chosen::Unlisted, Chosen::Sure));
    }
    let offer = market.choose(accepted, place.name, place.at)?.clone();
    Ok(if accepted.leaves_a_choice() {
        Chosen::Likely(offer)
    } else {
        Chosen::Sure(offer)
    })
}

/// The first of these plans that is in stock at this moment, for a pool that is made next.
pub(crate) async fn pick(
    session: &Session,
    region: &str,
    plans: &Accepted,
    place: Place,
) -> Result<String, Fault> {
    let market = Market::now(session, region).await?;
    let offer = market.choose(plans, place.name, place.at)?;
    Ok(offer.id.clone())
}

/// Writes what a pool that was made costs, if its plan had left that open.
pub(crate) async fn settle_price(
    session: &Session,
    region: &str,
    plan: &str,
    nodes: u32,
    state: &mut Object,
) -> Result<(), Fault> {
    if price::is_open(state) {
        match session.catalogue().await?.plan(plan) {
            Some(offer) => Price::of_nodes(offer, region, nodes).write(state),
            None => price::write_none(state),
        }
    }
    Ok(())
}

impl Decision {
    /// Writes the price of the fewest nodes, as far as it is known.
    pub(crate) fn write_price(&self, planned: &mut Object) {
        match (&self.plan, self.min) {
            (Chosen::Sure(offer), Some(min)) => {
                Price::of_nodes(offer, &self.region, min).write(planned);
            }
            (Chosen::Unlisted, _) => price::write_none(planned),
            _ => price::write_unknown(planned),
        }
    }

    /// What the fewest nodes cost, for a reviewer.
    pub(crate) fn quote(&self) -> Option<Quote> {
        let price =
            |offer: &PlanOffer| Some(Price::of_nodes(offer, &self.region, self.min?).total());
        match &self.plan {
            Chosen::Sure(offer) => price(offer).map(Quote::Sure),
            Chosen::Likely(offer) => price(offer).map(Quote::Likely),
            Chosen::Unlisted | Chosen::Unknown => None,
        }
    }

    /// The nodes behind the price, and what to know of their plan.
    pub(crate) fn notes(&self) -> Vec<String> {
        let caution = match &self.plan {
            Chosen::Sure(offer) | Chosen::Likely(offer) => offer.caution().map(str::to_owned),
            Chosen::Unlisted | Chosen::Unknown => None,
        };
        self.nodes().into_iter().chain(caution).collect()
    }

    fn nodes(&self) -> Option<String> {
        let (offer, choice) = match &self.plan {
            Chosen::Sure(offer) => (offer, ""),
            Chosen::Likely(offer) => (
                offer,
                "; the first plan in stock is taken when the pool is made, this one as of now",
            ),
            Chosen::Unlisted | Chosen::Unknown => return None,
        };
        let one = offer.price_in(&self.region);
        let (min, max) = (self.min?, self.max?);
        let most = if max > min {
            format!(
                "; up to {max} nodes, {}",
                dollars(Price::of_nodes(offer, &self.region, max).total())
            )
        } else {
            String::new()
        };
        Some(format!(
            "nodes: {min} x {} at {}{most}{choice}",
            offer.id,
            dollars(one)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock::tests::market;
    use rust_decimal::Decimal;

    const PLACE: Place = Place {
        name: "plan",
        at: "plan",
    };

    fn pool(fallbacks: &[&str]) -> Object {
        Object::new()
            .with("plan", "vc2-6c-16gb")
            .with("plan_fallbacks", fallbacks.to_vec())
            .with("min_nodes", 2)
            .with("max_nodes", 3)
    }

    fn price(decision: &Decision) -> Object {
        let mut planned = Object::new();
        decision.write_price(&mut planned);
        planned
    }

    #[test]
    fn a_single_plan_is_planned_with_its_price() {
        let mut pool = pool(&[]);
        let decision = decide(&mut pool, None, &market("ams", &["vc2-6c-16gb"]), PLACE).unwrap();
        assert_eq!(pool.get::<String>("chosen_plan").unwrap(), "vc2-6c-16gb");
        assert_eq!(decision.quote(), Some(Quote::Sure(Decimal::from(160))));
        assert_eq!(price(&decision).get::<u32>("monthly_price").unwrap(), 160);
        assert_eq!(
            decision.notes(),
            ["nodes: 2 x vc2-6c-16gb at 80.00; up to 3 nodes, 240.00"]
        );
    }

    #[test]
    fn a_choice_is_told_and_left_open() {
        let mut pool = pool(&["vc2-4c-8gb"]);
        let decision = decide(&mut pool, None, &market("ams", &["vc2-4c-8gb"]), PLACE).unwrap();
        assert!(pool.is_unknown("chosen_plan"));
        assert_eq!(decision.quote(), Some(Quote::Likely(Decimal::from(80))));
        assert!(price(&decision).is_unknown("monthly_price_lines"));
        assert!(decision.notes()[0].contains("2 x vc2-4c-8gb"));
    }

    #[test]
    fn nodes_that_run_keep_an_accepted_plan_whatever_the_stock() {
        let mut kept = pool(&["vc2-4c-8gb"]);
        let decision = decide(&mut kept, Some("vc2-4c-8gb"), &market("ams", &[]), PLACE).unwrap();
        assert_eq!(kept.get::<String>("chosen_plan").unwrap(), "vc2-4c-8gb");
        assert_eq!(decision.quote(), Some(Quote::Sure(Decimal::from(80))));
        let refused = decide(
            &mut pool(&[]),
            Some("vc2-4c-8gb"),
            &market("ams", &[]),
            PLACE,
        );
        assert!(refused.unwrap_err().to_string().contains("SLW-113"));
    }

    #[test]
    fn what_is_not_known_leaves_everything_open() {
        let mut pool = pool(&[]);
        pool.set_unknown("plan");
        let decision = decide(&mut pool, None, &market("ams", &[]), PLACE).unwrap();
        assert!(pool.is_unknown("chosen_plan") && price(&decision).is_unknown("monthly_price"));
        assert_eq!((decision.quote(), decision.notes()), (None, Vec::new()));
    }
}
