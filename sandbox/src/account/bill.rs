//! What the account has cost since it was opened.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::state::State;

/// The bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The account's time.
    pub until: Timestamp,
    /// Sum in US dollars, before tax.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub total_usd: Decimal,
    /// One line for each object and each price it had.
    pub lines: Vec<BillLine>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillLine {
    /// Kind of the object.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its label when it was made.
    pub label: String,
    /// Plan or size.
    pub what: String,
    /// Hours begun.
    pub hours: i64,
    /// Dollars an hour.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub hourly_usd: Decimal,
    /// Dollars in all.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub usd: Decimal,
    /// Whether the object still exists at this price.
    pub running: bool,
}

impl State {
    /// The bill until now.
    pub(crate) fn bill(&self) -> Bill {
        let lines: Vec<BillLine> = self
            .ledger
            .charges()
            .iter()
            .map(|charge| BillLine {
                kind: charge.kind.to_owned(),
                id: charge.id.clone(),
                label: charge.label.clone(),
                what: charge.what.clone(),
                hours: charge.hours(self.now),
                hourly_usd: charge.price.hourly,
                usd: charge.amount(self.now).normalize(),
                running: charge.until.is_none(),
            })
            .collect();
        Bill {
            until: self.now,
            total_usd: lines
                .iter()
                .map(|line| line.usd)
                .sum::<Decimal>()
                .normalize(),
            lines,
        }
    }
}
