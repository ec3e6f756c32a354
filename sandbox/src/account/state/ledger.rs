//! What each object has cost, also after it is gone.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::account::catalogue::Price;

/// An object's price over its life.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) what: String,
    pub(crate) price: Price,
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

impl Charge {
    /// Hours begun until `now`.
    pub(crate) fn hours(&self, now: Timestamp) -> i64 {
        let seconds = self
            .until
            .unwrap_or(now)
            .duration_since(self.from)
            .as_secs()
            .max(1);
        seconds.div_euclid(3600) + i64::from(seconds.rem_euclid(3600) > 0)
    }

    /// Dollars until `now`: by hours begun, and per month of 672 hours no more than the monthly price where that is the rule.
    pub(crate) fn amount(&self, now: Timestamp) -> Decimal {
        let by_hour = self.price.hourly * Decimal::from(self.hours(now));
        if !self.price.capped {
            return by_hour;
        }
        let months = (self.hours(now) - 1).div_euclid(730) + 1;
        by_hour.min(self.price.monthly * Decimal::from(months))
    }
}

/// All charges, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    charges: Vec<Charge>,
}

impl Ledger {
    /// An object begins to cost.
    pub(crate) fn open(&mut self, charge: Charge) {
        self.charges.push(charge);
    }

    /// An object stops costing.
    pub(crate) fn close(&mut self, id: &str, now: Timestamp) {
        for charge in self
            .charges
            .iter_mut()
            .filter(|charge| charge.id == id && charge.until.is_none())
        {
            charge.until = Some(now);
        }
    }

    /// An object's price changes from now on.
    pub(crate) fn reprice(&mut self, id: &str, what: String, price: Price, now: Timestamp) {
        let open = self
            .charges
            .iter()
            .find(|charge| charge.id == id && charge.until.is_none())
            .cloned();
        if let Some(open) = open.filter(|open| open.price != price) {
            self.close(id, now);
            self.open(Charge {
                what,
                price,
                from: now,
                until: None,
                ..open
            });
        }
    }

    /// All charges, oldest first.
    pub(crate) fn charges(&self) -> &[Charge] {
        &self.charges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn charge(price: Price) -> Charge {
        Charge {
            kind: "instance",
            id: "a".to_owned(),
            label: String::new(),
            what: String::new(),
            price,
            from: Timestamp::UNIX_EPOCH,
            until: None,
        }
    }

    #[test]
    fn an_hour_begun_is_an_hour_and_a_month_is_capped() {
        let node = charge(Price::monthly_cents(4000));
        let after = |hours: i64, seconds: i64| {
            node.amount(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(hours * 3600 + seconds))
        };
        assert_eq!(after(0, 0).to_string(), "0.06");
        assert_eq!(after(1, 1).to_string(), "0.12");
        assert_eq!(after(700, 0).to_string(), "40");
        let mut gpu = charge(Price::monthly_cents(4000));
        gpu.price.capped = false;
        assert_eq!(
            gpu.amount(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(700))
                .to_string(),
            "42.00"
        );
    }
}
