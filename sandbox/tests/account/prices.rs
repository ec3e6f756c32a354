//! Snapshot, difference, bill and journal.

use serde_json::json;
use slipway_sandbox::account::{Bill, Snapshot, diff};

use crate::cloud::Cloud;

async fn snapshot(cloud: &Cloud) -> Snapshot {
    serde_json::from_value(cloud.get("/_sandbox/snapshot").await).unwrap()
}

#[tokio::test]
async fn a_snapshot_names_owner_state_and_price_of_everything() {
    let cloud = Cloud::open().await;
    let empty = snapshot(&cloud).await;
    let vpc = cloud.vpc().await;
    let (cluster, _) = cloud.cluster(&vpc).await;
    cloud.instance("slipway:acme:bootstrap").await;
    cloud
        .post(
            "/blocks",
            json!({"region": "ams", "size_gb": 160, "label": "pvc-x"}),
        )
        .await;
    let full = snapshot(&cloud).await;
    let seen: Vec<_> = full
        .objects
        .iter()
        .map(|object| {
            (
                object.kind.as_str(),
                object.mark.as_str(),
                object.monthly_usd.to_string(),
            )
        })
        .collect();
    let ours = "slipway:acme";
    assert_eq!(
        seen,
        [
            ("vpc", ours, "0".to_owned()),
            ("cluster", ours, "0".to_owned()),
            ("node_pool", ours, "0".to_owned()),
            ("node", ours, "20".to_owned()),
            ("node", ours, "20".to_owned()),
            ("instance", ours, "10".to_owned()),
            ("block", "", "16".to_owned()),
        ]
    );
    assert_eq!(full.monthly_usd.to_string(), "66");
    let made = diff(&empty, &full);
    assert_eq!(
        (
            made.added.len(),
            made.removed.len(),
            made.monthly_usd.to_string()
        ),
        (7, 0, "66".to_owned())
    );
    assert!(diff(&full, &full).is_empty());

    cloud
        .delete(&format!("/kubernetes/clusters/{cluster}"))
        .await;
    let after = snapshot(&cloud).await;
    let lost = diff(&full, &after);
    assert_eq!(
        (
            lost.added.len(),
            lost.removed.len(),
            lost.monthly_usd.to_string()
        ),
        (0, 4, "-40".to_owned())
    );
    cloud.advance(200).await;
    let later = diff(&after, &snapshot(&cloud).await);
    assert_eq!(later.changed.len(), 2, "instance and volume became active");
}

#[tokio::test]
async fn the_bill_counts_hours_begun_also_of_what_is_gone() {
    let cloud = Cloud::open().await;
    let gone = cloud.instance("short").await;
    cloud.instance("long").await;
    cloud.advance(1800).await;
    cloud.delete(&format!("/instances/{gone}")).await;
    cloud.advance(7200).await;
    let bill: Bill = serde_json::from_value(cloud.get("/_sandbox/bill").await).unwrap();
    let lines: Vec<_> = bill
        .lines
        .iter()
        .map(|line| {
            (
                line.label.as_str(),
                line.hours,
                line.usd.to_string(),
                line.running,
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("short", 1, "0.015".to_owned(), false),
            ("long", 3, "0.045".to_owned(), true)
        ]
    );
    assert_eq!(bill.total_usd.to_string(), "0.06");
    let account = cloud.get("/account").await;
    assert_eq!(account["account"]["pending_charges"], 0.06);
    assert_eq!(
        cloud.get("/billing/pending-charges").await["meta"]["total"],
        2
    );
}

#[tokio::test]
async fn the_journal_counts_without_gaps_and_keeps_no_secrets() {
    let cloud = Cloud::open().await;
    cloud.get("/account").await;
    let mut wish = crate::cloud::instance_wish("host");
    wish["user_data"] = json!("Q0FOQVJZ");
    cloud.post("/instances", wish).await;
    cloud.get("/instances?label=host").await;
    let journal = cloud.get("/_sandbox/journal").await;
    let calls: Vec<_> = journal
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (call["n"].as_u64().unwrap(), call["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        calls,
        [
            (1, "/v2/account"),
            (2, "/v2/instances"),
            (3, "/v2/instances?label=host")
        ]
    );
    assert!(!journal.to_string().contains("Q0FOQVJZ"));
    assert_eq!(journal[1]["body"]["label"], "host");
    assert_eq!(
        cloud
            .get("/_sandbox/journal?since=2")
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
