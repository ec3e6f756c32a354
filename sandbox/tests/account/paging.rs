//! Pages, cursors, totals.

use serde_json::json;

use crate::cloud::Cloud;

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_while_objects_come_and_go() {
    let cloud = Cloud::open().await;
    for number in 0..5 {
        cloud
            .post(
                "/vpcs",
                json!({"region": "ams", "description": number.to_string()}),
            )
            .await;
    }
    let all = cloud.ids("/vpcs", "vpcs").await;
    let first = cloud.get("/vpcs?per_page=2").await;
    assert_eq!(first["meta"]["total"], 5);
    assert_eq!(first["meta"]["links"]["prev"], "");
    let next = first["meta"]["links"]["next"].as_str().unwrap().to_owned();

    cloud.delete(&format!("/vpcs/{}", all[0])).await;
    cloud.post("/vpcs", json!({"region": "ams"})).await;
    let second = cloud.get(&format!("/vpcs?per_page=2&cursor={next}")).await;
    let ids: Vec<_> = second["vpcs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vpc| vpc["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [all[2].as_str(), all[3].as_str()]);
    assert_ne!(second["meta"]["links"]["prev"], "");
    let next = second["meta"]["links"]["next"].as_str().unwrap().to_owned();
    let third = cloud.get(&format!("/vpcs?per_page=2&cursor={next}")).await;
    assert_eq!(third["vpcs"].as_array().unwrap().len(), 2);
    assert_eq!(third["meta"]["links"]["next"], "");
}

#[tokio::test]
async fn empty_lists_have_links_and_odd_queries_are_refused_or_bounded() {
    let cloud = Cloud::open().await;
    for (path, key) in [
        ("/vpcs", "vpcs"),
        ("/blocks", "blocks"),
        ("/load-balancers", "load_balancers"),
        ("/kubernetes/clusters", "vke_clusters"),
    ] {
        let empty = json!({key: [], "meta": {"total": 0, "links": {"next": "", "prev": ""}}});
        assert_eq!(cloud.get(path).await, empty);
        assert_eq!(
            cloud.get(&format!("{path}?per_page=9999&cursor=")).await,
            empty
        );
    }
    for query in ["cursor=nonsense", "per_page=0", "per_page=many"] {
        assert_eq!(
            cloud
                .call("GET", &format!("/vpcs?{query}"), None)
                .await
                .status,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_catalogue_is_public_and_says_what_is_on_sale() {
    let cloud = Cloud::open().await;
    for path in [
        "/regions",
        "/plans",
        "/os",
        "/kubernetes/versions",
        "/regions/ams/availability",
    ] {
        let open = cloud
            .http
            .get(format!("{}/v2{path}", cloud.url))
            .send()
            .await
            .unwrap();
        assert_eq!(open.status(), 200, "{path}");
    }
    let plans = cloud.get("/plans?type=vc2&per_page=500").await;
    let small = plans["plans"]
        .as_array()
        .unwrap()
        .iter()
        .find(|plan| plan["id"] == "vc2-1c-2gb")
        .unwrap()
        .clone();
    assert_eq!(
        (&small["monthly_cost"], &small["hourly_cost"], &small["ram"]),
        (&json!(10), &json!(0.015), &json!(2048))
    );
    assert_eq!(small["location_cost"], json!({}));
    let ams = cloud.get("/regions").await["regions"][0].clone();
    assert_eq!((&ams["id"], &ams["country"]), (&json!("ams"), &json!("NL")));
    assert!(
        ams["options"]
            .as_array()
            .unwrap()
            .contains(&json!("kubernetes"))
    );
    let os = cloud.get("/os").await;
    assert!(
        os["os"]
            .as_array()
            .unwrap()
            .iter()
            .any(|os| os["id"] == 2136 && os["family"] == "debian")
    );
}
