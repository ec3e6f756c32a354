//! What something costs a month, by line, from the account's own catalogue. Numbers are US dollars, list prices before tax.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use tfplugin::{Diagnostic, Object};

use crate::catalogue::PlanOffer;

/// The line of a pool's nodes.
const NODES: &str = "nodes";

/// The attributes that a price is written to.
const TOTAL: &str = "monthly_price";
const LINES: &str = "monthly_price_lines";

/// A monthly price.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Price(BTreeMap<&'static str, Decimal>);

impl Price {
    /// What so many nodes of a plan cost.
    pub(crate) fn of_nodes(offer: &PlanOffer, region: &str, count: u32) -> Self {
        Self(BTreeMap::from([(
            NODES,
            offer.price_in(region) * Decimal::from(count),
        )]))
    }

    /// The sum of the lines.
    pub(crate) fn total(&self) -> Decimal {
        self.0.values().sum()
    }

    /// Writes total and lines into a planned or stored state.
    pub(crate) fn write(&self, state: &mut Object) {
        let lines: BTreeMap<&str, Option<f64>> = self
            .0
            .iter()
            .map(|(line, price)| (*line, price.to_f64()))
            .collect();
        state.set(TOTAL, self.total().to_f64()).set(LINES, lines);
    }
}

/// Says that the price is known after apply only.
pub(crate) fn write_unknown(state: &mut Object) {
    state.set_unknown(TOTAL).set_unknown(LINES);
}

/// Says that the catalogue names no price.
pub(crate) fn write_none(state: &mut Object) {
    state.set_null(TOTAL).set_null(LINES);
}

/// Whether a state tells a price with its lines.
pub(crate) fn is_told(state: &Object) -> bool {
    !state.is_null(TOTAL) && !state.is_null(LINES)
}

/// Whether a state leaves the price open.
pub(crate) fn is_open(state: &Object) -> bool {
    state.is_unknown(TOTAL) || state.is_unknown(LINES)
}

/// The total that a state tells.
pub(crate) fn told(state: &Object) -> Option<Decimal> {
    state
        .get::<Option<f64>>(TOTAL)
        .ok()
        .flatten()
        .and_then(Decimal::from_f64)
}

/// "40.00".
pub(crate) fn dollars(price: Decimal) -> String {
    format!("{:.2}", price.round_dp(2))
}

/// What a plan says of a price that changes: before, after, and what else there is to know, a line each. Terraform shows
/// one warning of a summary, so each kind of object has its own.
pub(crate) fn change(
    (kind, name): (&str, &str),
    before: Option<Decimal>,
    after: &Quote,
    notes: &[String],
) -> Option<Diagnostic> {
    let at_least = match after {
        Quote::Sure(price) if before == Some(*price) => return None,
        Quote::Sure(price) => dollars(*price),
        Quote::Likely(price) => format!("probably {}", dollars(*price)),
    };
    let mut detail = format!(
        "{kind} {name}: {} -> {at_least} USD a month, at list prices before tax.",
        dollars(before.unwrap_or_default())
    );
    for note in notes {
        detail.push_str("\n  ");
        detail.push_str(note);
    }
    let summary = format!("Monthly price of a {} changes", kind.to_lowercase());
    Some(Diagnostic::warning(summary, detail))
}

/// A price in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quote {
    /// What the planned nodes cost.
    Sure(Decimal),
    /// What they cost if nothing changes before the apply: the stock decides then.
    Likely(Decimal),
}

impl Quote {
    /// The same price, for something that is not sure itself.
    pub(crate) fn unsure(self) -> Self {
        match self {
            Self::Sure(price) | Self::Likely(price) => Self::Likely(price),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::offer;

    const POOL: (&str, &str) = ("Pool", "x");

    #[test]
    fn a_price_is_exact_and_its_lines_sum_up_to_it() {
        let mut offer = offer("vx1", 0, &["ams"]);
        offer.list.monthly = Decimal::new(5548, 2);
        let price = Price::of_nodes(&offer, "ams", 3);
        assert_eq!(price.total(), Decimal::new(16_644, 2));
        let mut state = Object::new();
        price.write(&mut state);
        assert_eq!(
            state.get::<f64>("monthly_price").unwrap().to_string(),
            "166.44"
        );
        assert_eq!(told(&state), Some(Decimal::new(16_644, 2)));
        let lines: BTreeMap<String, f64> = state.get("monthly_price_lines").unwrap();
        assert_eq!(lines, BTreeMap::from([("nodes".to_owned(), 166.44)]));
    }

    #[test]
    fn a_change_is_told_and_no_change_is_not() {
        let ten = Decimal::TEN;
        assert!(change(POOL, Some(ten), &Quote::Sure(ten), &[]).is_none());
        let notes = ["volumes: 2".to_owned()];
        let told = change(POOL, None, &Quote::Sure(ten), &notes).unwrap();
        assert!(
            told.detail.starts_with("Pool x: 0.00 -> 10.00 USD a month")
                && told.detail.ends_with("\n  volumes: 2"),
            "{}",
            told.detail
        );
        let told = change(POOL, Some(ten), &Quote::Likely(ten), &[]).unwrap();
        assert!(
            told.detail.contains("10.00 -> probably 10.00"),
            "{}",
            told.detail
        );
    }
}
