//! What goes wrong on purpose, and what of it took effect.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cloud::{Cloud, cluster_wish, instance_wish};

#[tokio::test]
async fn a_timeout_before_the_effect_makes_nothing_and_one_after_it_does() {
    for (action, made) in [("timeout_before", 0), ("timeout_after", 1)] {
        let cloud = Cloud::open().await;
        cloud
            .fault(json!({"method": "POST", "path": "/vpcs", "action": action}))
            .await;
        let lost = cloud
            .send("POST", "/vpcs", Some(json!({"region": "ams"})))
            .await;
        assert!(
            lost.is_err_and(|error| error.status().is_none()),
            "{action}: no answer"
        );
        assert_eq!(cloud.get("/vpcs").await["meta"]["total"], made, "{action}");
        let journal = cloud.get("/_sandbox/journal").await;
        assert_eq!(
            (&journal[0]["status"], &journal[0]["n"]),
            (&json!(0), &json!(1))
        );
        assert!(journal[0]["fault"].as_str().unwrap().contains("timeout"));
        cloud.post("/vpcs", json!({"region": "ams"})).await;
    }
}

#[tokio::test]
async fn a_timeout_holds_the_connection_as_long_as_ordered() {
    let cloud = Cloud::open().await;
    cloud
        .fault(json!({"path": "/vpcs", "hold_ms": 300, "action": {"timeout_before": true}}))
        .await;
    let started = Instant::now();
    assert!(cloud.send("GET", "/vpcs", None).await.is_err());
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn error_answers_come_instead_of_the_effect_or_in_spite_of_it() {
    let cloud = Cloud::open().await;
    cloud.fault(json!({"method": "post", "path": "/v2/vpcs", "nth": 2, "times": 2, "action": {"status": 429, "retry_after": 7}})).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = cloud
            .send("POST", "/vpcs", Some(json!({"region": "ams"})))
            .await
            .unwrap();
        let wait = answer
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().to_owned());
        seen.push((answer.status().as_u16(), wait));
    }
    let limited = (429, Some("7".to_owned()));
    assert_eq!(seen, [(201, None), limited.clone(), limited, (201, None)]);
    assert_eq!(cloud.get("/vpcs").await["meta"]["total"], 2);

    let vpc = cloud.ids("/vpcs", "vpcs").await.remove(0);
    cloud.fault(json!({"method": "DELETE", "path": "/vpcs/*", "action": {"status": 500, "after": true}})).await;
    let failed = cloud.call("DELETE", &format!("/vpcs/{vpc}"), None).await;
    assert_eq!(failed.refusal(), (500, "Internal server error."));
    assert_eq!(
        cloud
            .call("GET", &format!("/vpcs/{vpc}"), None)
            .await
            .status,
        404
    );

    let locked = "Unable to destroy server: Unable to remove VM: Server is currently locked";
    cloud
        .fault(json!({"path": "/account", "action": {"status": 503, "error": locked}}))
        .await;
    assert_eq!(
        cloud.call("GET", "/account", None).await.refusal(),
        (503, locked)
    );
}

#[tokio::test]
async fn a_cut_body_ends_before_its_announced_length() {
    let cloud = Cloud::open().await;
    cloud
        .fault(json!({"path": "/plans", "action": "cut_body"}))
        .await;
    let answer = cloud.send("GET", "/plans", None).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
    cloud.get("/plans").await;
}

#[tokio::test]
async fn a_stale_list_shows_what_was_before_the_newest_change() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    cloud
        .fault(json!({"method": "GET", "path": "/vpcs", "action": "stale_list"}))
        .await;
    assert_eq!(cloud.get("/vpcs").await["meta"]["total"], 0);
    assert_eq!(cloud.ids("/vpcs", "vpcs").await, std::slice::from_ref(&vpc));
    cloud.delete(&format!("/vpcs/{vpc}")).await;
    cloud
        .fault(json!({"method": "GET", "path": "/vpcs", "action": "stale_list"}))
        .await;
    assert_eq!(cloud.ids("/vpcs", "vpcs").await, [vpc]);
}

#[tokio::test]
async fn a_slow_answer_is_late_and_right() {
    let cloud = Cloud::open().await;
    cloud
        .fault(json!({"path": "/os", "action": {"slow_ms": 120}}))
        .await;
    let started = Instant::now();
    cloud.get("/os").await;
    assert!(started.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn stock_versions_and_quota_can_run_out() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    cloud
        .fault(json!({"sold_out": ["vc2-2c-4gb"], "region": "ams"}))
        .await;
    let available = cloud.get("/regions/ams/availability?type=vc2").await;
    assert!(
        !available["available_plans"]
            .as_array()
            .unwrap()
            .contains(&json!("vc2-2c-4gb"))
    );
    let elsewhere = cloud.get("/regions/fra/availability").await;
    assert!(
        elsewhere["available_plans"]
            .as_array()
            .unwrap()
            .contains(&json!("vc2-2c-4gb"))
    );
    let refused = cloud
        .call("POST", "/kubernetes/clusters", Some(cluster_wish(&vpc)))
        .await;
    assert_eq!(
        refused.refusal(),
        (400, "Plan is not available in the selected region")
    );

    cloud.fault(json!({"withdrawn": ["v1.36.5+1"]})).await;
    assert_eq!(
        cloud.get("/kubernetes/versions").await["versions"][0],
        "v1.35.8+1"
    );
    cloud.clear_faults().await;
    cloud.fault(json!({"instance_quota": 1})).await;
    assert_eq!(
        cloud
            .call("POST", "/kubernetes/clusters", Some(cluster_wish(&vpc)))
            .await
            .status,
        400
    );
    cloud.instance("one").await;
    assert_eq!(
        cloud
            .call("POST", "/instances", Some(instance_wish("two")))
            .await
            .status,
        400
    );
    cloud.clear_faults().await;
    cloud.cluster(&vpc).await;
}

#[tokio::test]
async fn a_stuck_cluster_goes_on_when_the_fault_is_cleared() {
    let cloud = Cloud::open().await;
    let vpc = cloud.vpc().await;
    cloud.fault(json!({"cluster_stuck": true})).await;
    let id = cloud.pending_cluster(&vpc).await;
    cloud.asked(|asked| !asked.is_empty()).await;
    cloud.advance(100_000).await;
    let path = format!("/kubernetes/clusters/{id}");
    assert_eq!(cloud.get(&path).await["vke_cluster"]["status"], "pending");
    cloud.clear_faults().await;
    assert_eq!(cloud.get(&path).await["vke_cluster"]["status"], "active");
}

#[tokio::test]
async fn the_rate_limit_is_off_until_it_is_switched_on() {
    let cloud = Cloud::open().await;
    for _ in 0..60 {
        cloud.get("/account").await;
    }
    cloud.fault(json!({"rate_limit": 2})).await;
    let mut limited = 0;
    for _ in 0..60 {
        limited += u32::from(cloud.call("GET", "/account", None).await.status == 429);
    }
    assert!(limited >= 1, "sixty calls in a row pass two a second");
    cloud.clear_faults().await;
    cloud.get("/account").await;
}

#[tokio::test]
async fn faults_are_listed_with_their_hits_and_taken_back_one_by_one() {
    let cloud = Cloud::open().await;
    cloud
        .fault(json!({"path": "/account", "times": 0, "action": {"status": 500}}))
        .await;
    assert_eq!(cloud.call("GET", "/account", None).await.status, 500);
    let rules = cloud.get("/_sandbox/faults").await["rules"].clone();
    assert_eq!((&rules[0]["id"], &rules[0]["hits"]), (&json!(1), &json!(1)));
    assert_eq!(
        rules[0]["action"],
        json!({"status": 500}),
        "as it was ordered"
    );
    cloud.delete("/_sandbox/faults?id=1").await;
    cloud.get("/account").await;
    assert_eq!(
        cloud
            .call("DELETE", "/_sandbox/faults?id=1", None)
            .await
            .status,
        400
    );
    for nonsense in [
        json!({}),
        json!({"action": "x"}),
        json!({"unknown": 1}),
        json!({"path": "/vpcs"}),
    ] {
        assert_eq!(
            cloud
                .call("POST", "/_sandbox/faults", Some(nonsense))
                .await
                .status,
            400
        );
    }
}
