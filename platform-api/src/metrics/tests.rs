use super::*;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use tower::ServiceExt;

fn app(metrics: &Metrics) -> Router {
    Router::new()
        .route("/environments/{name}", get(async || "here it is"))
        .route("/broken", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/slow", get(std::future::pending::<&'static str>))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(axum::middleware::from_fn_with_state(
            metrics.clone(),
            observe,
        ))
}

fn request(method: &str, path: &str) -> Request {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .expect("a request")
}

async fn ask(app: &Router, method: &str, path: &str) {
    let answer = app.clone().oneshot(request(method, path)).await;
    answer.expect("an answer");
}

#[tokio::test]
async fn requests_are_counted_by_route_method_and_status_and_never_by_name() {
    let metrics = Metrics::new();
    let app = app(&metrics);
    for number in 0..50 {
        ask(&app, "GET", &format!("/environments/shop-{number}")).await;
        ask(&app, "GET", &format!("/nowhere/{number}")).await;
        ask(&app, &format!("INVENTED{number}"), "/broken").await;
    }
    ask(&app, "GET", "/broken").await;
    let text = metrics.text(Timestamp::UNIX_EPOCH);
    for line in [
        r#"platform_api_requests_total{route="/environments/{name}",method="GET",status="200"} 50"#,
        r#"platform_api_requests_total{route="unmatched",method="GET",status="404"} 50"#,
        r#"platform_api_requests_total{route="/broken",method="other",status="405"} 50"#,
        r#"platform_api_requests_total{route="/broken",method="GET",status="500"} 1"#,
        r#"platform_api_request_duration_seconds_count{route="/environments/{name}",method="GET"} 50"#,
        "platform_api_requests_in_flight 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(
        !text.contains("shop-") && !text.contains("INVENTED"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_in_flight() {
    let metrics = Metrics::new();
    let app = app(&metrics);
    let waiting = app.oneshot(request("GET", "/slow"));
    let gone = tokio::time::timeout(Duration::from_millis(20), waiting).await;
    assert!(gone.is_err(), "it was to wait for ever");
    let text = metrics.text(Timestamp::UNIX_EPOCH);
    assert!(text.contains("platform_api_requests_in_flight 0"), "{text}");
    assert!(text.contains(r#"status="cancelled"} 1"#), "{text}");
}

#[tokio::test]
async fn calls_are_measured_by_what_came_of_them() {
    let metrics = Metrics::new();
    let call = Call::new("store", "put");
    let ok: Result<u8, u8> = metrics.call(call, async { Ok(1) }).await;
    let error: Result<u8, u8> = metrics.call(call, async { Err(1) }).await;
    assert_eq!((ok, error), (Ok(1), Err(1)));
    assert_eq!(metrics.call_here(Call::new("policy", "decide"), || 7), 7);
    let text = metrics.text(Timestamp::UNIX_EPOCH);
    for line in [
        r#"platform_api_call_duration_seconds_count{system="store",operation="put",outcome="ok"} 1"#,
        r#"platform_api_call_duration_seconds_count{system="store",operation="put",outcome="error"} 1"#,
        r#"platform_api_call_duration_seconds_count{system="policy",operation="decide",outcome="ok"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn ages_are_told_at_the_time_of_asking() {
    let metrics = Metrics::new();
    let at = |seconds| Timestamp::from_second(seconds).expect("a time");
    assert!(
        metrics
            .text(at(100))
            .contains("platform_api_policy_age_seconds NaN")
    );
    metrics.policy_loaded(at(100));
    metrics.policies_refused(2);
    metrics.swept(at(90), 10_000);
    metrics.audited(17);
    let text = metrics.text(at(103));
    for line in [
        "platform_api_policy_age_seconds 3",
        "platform_api_policy_faults 2",
        "platform_api_sweep_age_seconds 13",
        "platform_api_environments 10000",
        "platform_api_audit_records 17",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
