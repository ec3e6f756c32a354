//! The account itself: whose key this is, and what it may do.

use reqwest::Method;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{Client, Result, decode};

/// The account of the key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Account {
    /// Name of the account.
    pub name: String,
    /// Address of its owner.
    pub email: String,
    /// What the key's user may do, in the API's words.
    #[serde(deserialize_with = "decode::list")]
    pub acls: Vec<String>,
    /// Money in US dollars; negative is credit.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub balance: Decimal,
    /// What the running month has cost so far.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub pending_charges: Decimal,
}

/// A line of what the running month has cost so far: the only place where the API tells what load balancers and a
/// highly available control plane cost.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Charge {
    /// What was used, in the bill's own words; they name the object by its label or id.
    #[serde(deserialize_with = "decode::text")]
    pub description: String,
    /// Kind of product.
    #[serde(default, deserialize_with = "decode::text")]
    pub product: String,
    /// What a unit is, such as `hours`.
    #[serde(default, deserialize_with = "decode::text")]
    pub unit_type: String,
    /// Price of a unit in US dollars.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub unit_price: Decimal,
}

impl Charge {
    /// Whether the bill means this object, which it names as a word of its own.
    #[must_use]
    pub fn is_for(&self, label_or_id: &str) -> bool {
        let mut words = self
            .description
            .split(|c: char| c.is_whitespace() || "(),;[]".contains(c));
        !label_or_id.is_empty() && words.any(|word| word == label_or_id)
    }
}

/// Charges have no id and no address of their own: only the wrapping matters.
impl decode::Wrapped for Charge {
    const ONE: &'static str = "pending_charge";
    const MANY: &'static str = "pending_charges";
}

#[derive(Deserialize)]
struct Answer {
    account: Account,
}

impl Client {
    /// The account of the key: the call to make before any other, since it proves the key and changes nothing.
    pub async fn account(&self) -> Result<Account> {
        let answer: Answer = self.fetch(self.request(Method::GET, &["account"])?).await?;
        Ok(answer.account)
    }

    /// What the running month has cost so far, line by line.
    pub async fn pending_charges(&self) -> Result<Vec<Charge>> {
        self.list(&["billing", "pending-charges"]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_is_for_the_object_that_it_names_and_for_no_longer_name() {
        let body = r#"{"pending_charges":[{"description":"Load Balancer a1b2 (ams)","product":"load_balancer","start_date":"2026-11-01T00:00:00+00:00","end_date":"2026-11-24T00:00:00+00:00","units":550,"unit_type":"hours","unit_price":0.015,"total":8.25}],"meta":{"total":1,"links":{"next":"","prev":""}}}"#;
        let page: decode::Page<Charge> = decode::read(body.as_bytes()).unwrap();
        let charge = &page.items[0];
        assert_eq!(charge.unit_price, Decimal::new(15, 3));
        assert!(charge.is_for("a1b2") && charge.is_for("ams"));
        assert!(!charge.is_for("a1b") && !charge.is_for("a1b2c") && !charge.is_for(""));
    }

    #[test]
    fn money_is_exact() {
        let body = r#"{"account":{"balance":-5519.11,"pending_charges":57.03,"last_payment_date":"2020-10-10 01:56:20+00:00","last_payment_amount":-1.00,"name":"Example Account","email":"admin@example.com","acls":["manage_users","subscriptions"]}}"#;
        let Answer { account } = decode::read(body.as_bytes()).unwrap();
        assert_eq!(account.balance, Decimal::new(-551_911, 2));
        assert_eq!(account.pending_charges.to_string(), "57.03");
        assert_eq!(account.acls, ["manage_users", "subscriptions"]);
    }
}
