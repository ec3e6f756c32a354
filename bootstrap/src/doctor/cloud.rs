//! The account: whether the key works and may do what a platform takes, and whether its servers are in stock.

use crate::doctor::{Finding, Subject};
use vultr::{Account, Client};

const KEY: &str = "api key";
const RIGHTS: &str = "rights";
const MONEY: &str = "account";
const STOCK: &str = "stock";
/// What the key's user must be allowed: making things, deleting them, and the firewall of a cluster.
const NEEDED: [&str; 2] = ["provisioning", "subscriptions"];

pub(super) async fn examine(subject: &Subject) -> Vec<Finding> {
    let Some(key) = subject.api_key.clone() else {
        return vec![Finding::skipped(KEY, "VULTR_API_KEY")];
    };
    let mut builder =
        Client::builder(key).user_agent(concat!("slipway-bootstrap/", env!("CARGO_PKG_VERSION")));
    if let Some(address) = &subject.api_url {
        builder = builder.address(address);
    }
    let client = match builder.build() {
        Ok(client) => client,
        Err(error) => return vec![Finding::coded(KEY, &error)],
    };
    let account = match client.account().await {
        Ok(account) => account,
        Err(error) => return vec![Finding::coded(KEY, &error)],
    };
    let mut findings = vec![
        Finding::ok(KEY, format!("works, account {}", account.name)),
        rights(&account),
        money(&account),
    ];
    findings.push(stock(&client, subject).await);
    findings
}

fn rights(account: &Account) -> Finding {
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .filter(|needed| {
            !account
                .acls
                .iter()
                .any(|acl| acl == needed || acl == "root")
        })
        .collect();
    if account.acls.is_empty() || missing.is_empty() {
        return Finding::ok(
            RIGHTS,
            "the key's user may make and delete what a platform takes",
        );
    }
    let text = format!(
        "the key's user lacks {}; give it those in the customer portal",
        missing.join(" and ")
    );
    Finding::failed(RIGHTS, "SLW-390", text)
}

/// The API tells no limits. What it tells is whether the account can pay, and one that cannot is refused everything.
fn money(account: &Account) -> Finding {
    let owed = account.balance + account.pending_charges;
    if account.balance.is_sign_positive() && !account.balance.is_zero() {
        let text = format!(
            "{} USD are due; an account that owes is refused new servers",
            account.balance
        );
        return Finding::warning(MONEY, "SLW-391", text);
    }
    Finding::ok(
        MONEY,
        format!(
            "balance {} USD, with this month's charges {owed} USD; limits are told by no call, a server beyond them is refused",
            account.balance
        ),
    )
}

async fn stock(client: &Client, subject: &Subject) -> Finding {
    let Some(region) = &subject.region else {
        return Finding::skipped(STOCK, "--region, or a request");
    };
    let available = match client.available_plans(region).await {
        Ok(Some(plans)) => plans,
        Ok(None) => {
            return Finding::failed(STOCK, "SLW-111", format!("there is no region {region}"));
        }
        Err(error) => return Finding::coded(STOCK, &error),
    };
    match &subject.plan {
        Some(plan) if !available.contains(plan) => Finding::failed(
            STOCK,
            "SLW-113",
            format!(
                "{plan} is not in stock in {region}; take another plan or region, or try later"
            ),
        ),
        Some(plan) => Finding::ok(STOCK, format!("{plan} is in stock in {region}")),
        None => Finding::ok(
            STOCK,
            format!(
                "{} plans are in stock in {region}; --plan looks for one",
                available.len()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn account(balance: &str, acls: &[&str]) -> Account {
        let text = format!(
            r#"{{"name": "a", "email": "a@acme.example", "acls": {}, "balance": {balance}, "pending_charges": 1.5}}"#,
            serde_json::to_string(acls).unwrap()
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn an_account_that_owes_is_pointed_out_and_credit_is_not() {
        let owes = money(&account("12.5", &[]));
        assert_eq!(
            (owes.verdict, owes.code.as_deref()),
            (Verdict::Warning, Some("SLW-391"))
        );
        for fine in ["0", "-100"] {
            assert_eq!(money(&account(fine, &[])).verdict, Verdict::Ok, "{fine}");
        }
    }

    #[test]
    fn what_the_keys_user_may_not_do_is_named() {
        let lacking = rights(&account("0", &["billing", "provisioning"]));
        assert_eq!(lacking.code.as_deref(), Some("SLW-390"));
        assert!(
            lacking.text.contains("lacks subscriptions"),
            "{}",
            lacking.text
        );
        for enough in [&["provisioning", "subscriptions"][..], &["root"], &[]] {
            assert_eq!(rights(&account("0", enough)).verdict, Verdict::Ok);
        }
    }
}
