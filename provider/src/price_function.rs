//! `provider::slipway::monthly_price`: what nodes cost by the prices of a catalogue that was read.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use tfplugin::{
    Arguments, Function, FunctionError, IntoValue, Object, Parameter, Signature, Type, Value,
};

use crate::nearest::allowed_words;

/// The function.
pub(crate) struct MonthlyPrice;

impl Function for MonthlyPrice {
    fn name(&self) -> &'static str {
        "monthly_price"
    }

    fn signature(&self) -> Signature {
        let plan = Type::object([("monthly_price", Type::Number)]);
        Signature::returning(Type::Number)
            .parameter(Parameter::new(
                "plans",
                Type::map(plan),
                "Prices by plan, as `plans` of data source `slipway_catalog` has them; of each plan only `monthly_price` is read.",
            ))
            .parameter(Parameter::new(
                "nodes",
                Type::map(Type::Number),
                "How many nodes of each plan, whole numbers of 0 or more.",
            ))
            .describe(
                "What nodes cost a month",
                "Sums up what so many nodes of each plan cost a month, USD at list prices before tax, to the cent. Pure: prices come from the first \
                 argument, never from a table of the provider, so a sum over a catalogue that was read is right for its region and its moment. A plan \
                 without a price is an error, not 0.",
            )
    }

    fn call(&self, arguments: &Arguments) -> Result<Value, FunctionError> {
        let plans: BTreeMap<String, Object> = arguments.get(0)?;
        let nodes: BTreeMap<String, u32> = arguments.get(1)?;
        let prices = plans
            .iter()
            .map(|(plan, listed)| Ok((plan.as_str(), price_of(plan, listed)?)))
            .collect::<Result<BTreeMap<_, _>, FunctionError>>()?;
        Ok(total(&prices, &nodes)?.to_f64().into_value())
    }
}

fn price_of(plan: &str, listed: &Object) -> Result<Option<Decimal>, FunctionError> {
    let price: Option<f64> = listed.get("monthly_price")?;
    match price.map(|price| (price, Decimal::from_f64(price))) {
        None => Ok(None),
        Some((price, Some(exact))) if price >= 0.0 => Ok(Some(exact)),
        Some((price, _)) => Err(FunctionError::argument(
            0,
            format!("{price} is no price of plan {plan:?}."),
        )),
    }
}

fn total(
    prices: &BTreeMap<&str, Option<Decimal>>,
    nodes: &BTreeMap<String, u32>,
) -> Result<Decimal, FunctionError> {
    let mut sum = Decimal::ZERO;
    for (plan, count) in nodes {
        let price = prices.get(plan.as_str()).copied().flatten();
        let price = price.ok_or_else(|| {
            let words = allowed_words(plan, prices.keys().copied().collect::<Vec<_>>());
            FunctionError::argument(1, format!("there is no price of plan {plan:?}. {words}"))
        })?;
        sum += price * Decimal::from(*count);
    }
    Ok(sum.round_dp(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(nodes: &[(&str, u32)]) -> Result<Decimal, FunctionError> {
        let prices = BTreeMap::from([
            ("vx1-g-2c-8g-120s", Some(Decimal::new(5548, 2))),
            ("vc2-4c-8gb", Some(Decimal::from(40))),
            ("vcg-unpriced", None),
        ]);
        let nodes = nodes
            .iter()
            .map(|(plan, count)| ((*plan).to_owned(), *count));
        total(&prices, &nodes.collect())
    }

    #[test]
    fn a_sum_is_exact_to_the_cent() {
        let nodes = [("vx1-g-2c-8g-120s", 3), ("vc2-4c-8gb", 2)];
        assert_eq!(sum(&nodes).unwrap(), Decimal::new(24_644, 2));
        assert_eq!(sum(&[]).unwrap(), Decimal::ZERO);
        assert_eq!(sum(&[("vc2-4c-8gb", 0)]).unwrap(), Decimal::ZERO);
    }

    #[test]
    fn a_plan_without_a_price_is_an_error_and_not_free() {
        let unknown = sum(&[("vc2-4c-9gb", 1)]).unwrap_err();
        assert!(
            unknown.text.contains("Did you mean \"vc2-4c-8gb\"?"),
            "{unknown}"
        );
        assert_eq!(unknown.argument, Some(1));
        assert!(sum(&[("vcg-unpriced", 1)]).is_err());
    }

    #[test]
    fn a_negative_price_is_none() {
        let listed = |price: f64| Object::new().with("monthly_price", price);
        assert!(price_of("p", &listed(-1.0)).is_err());
        assert_eq!(price_of("p", &listed(5.0)).unwrap(), Some(Decimal::from(5)));
    }
}
