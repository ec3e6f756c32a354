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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        let body = r#"{"account":{"balance":-5519.11,"pending_charges":57.03,"last_payment_date":"2020-10-10 01:56:20+00:00","last_payment_amount":-1.00,"name":"Example Account","email":"admin@example.com","acls":["manage_users","subscriptions"]}}"#;
        let Answer { account } = decode::read(body.as_bytes()).unwrap();
        assert_eq!(account.balance, Decimal::new(-551_911, 2));
        assert_eq!(account.pending_charges.to_string(), "57.03");
        assert_eq!(account.acls, ["manage_users", "subscriptions"]);
    }
}
