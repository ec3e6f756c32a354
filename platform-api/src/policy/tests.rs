//! What a feed may do to the policies in force.

use super::{Feed, Policies, PolicyUnavailable, Settings, State, router};
use authz::{Action, Circumstances, Environment, Origin, Principal, Resource};
use claims::EnvironmentType;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const MEMBERS: &str = r#"@id("members") @reason("members read") permit (principal in Slipway::Team::"a", action in Slipway::Action::"Read", resource);"#;
const EVERYBODY: &str =
    r#"@id("everybody") permit (principal, action in Slipway::Action::"Read", resource);"#;

struct Fed {
    policies: Arc<Policies>,
    address: String,
    http: Client,
    stop: CancellationToken,
}

impl Fed {
    async fn start(feed: Feed) -> Self {
        let policies = Arc::new(Policies::new(&Settings::Opal(feed)).expect("settings"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let routes = router(policies.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let stop = CancellationToken::new();
        tokio::spawn(policies.clone().follow(stop.clone()));
        Self {
            policies,
            address,
            http: Client::builder().no_proxy().build().unwrap(),
            stop,
        }
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self
            .http
            .request(method, format!("{}{path}", self.address))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn put(&self, file: &str, text: &str) -> StatusCode {
        self.call(
            Method::PUT,
            &format!("/policies/{file}"),
            json!({"content": text}),
        )
        .await
        .0
    }

    async fn put_data(&self) {
        let team =
            json!([{"uid": {"type": "Slipway::Team", "id": "a"}, "attrs": {}, "parents": []}]);
        assert_eq!(
            self.call(Method::PUT, "/data", team).await.0,
            StatusCode::OK
        );
    }

    async fn state_where(&self, holds: impl Fn(&State) -> bool) -> State {
        for _ in 0..400 {
            let state = self.policies.state(Timestamp::now());
            if holds(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!(
            "not within ten seconds: {:?}",
            self.policies.state(Timestamp::now())
        );
    }

    fn may_read(&self, who: &Principal) -> bool {
        let resource = Resource::Environment(Environment {
            name: "x".to_owned(),
            pool: "shop".to_owned(),
            environment_type: EnvironmentType::Dev,
            owner: "o@example.org".to_owned(),
            origin: Origin::Bucket,
            protected: false,
        });
        let set = self.policies.current().expect("policies are in force");
        set.decide(
            who,
            Action::ReadEnvironment,
            &resource,
            &Circumstances::api(Timestamp::now()),
        )
        .allowed
    }
}

impl Drop for Fed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn quick() -> Feed {
    Feed {
        quiet_milliseconds: 60,
        ..Feed::default()
    }
}

fn member() -> Principal {
    Principal::user("m@example.org").in_teams(["a"])
}

#[tokio::test]
async fn nothing_is_in_force_before_policies_and_data_have_come() {
    let fed = Fed::start(quick()).await;
    assert!(matches!(
        fed.policies.current(),
        Err(PolicyUnavailable::Never { .. })
    ));
    assert_eq!(fed.put("members.cedar", MEMBERS).await, StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let error = fed.policies.current().expect_err("no data yet");
    assert!(
        error.to_string().starts_with("SLW-579") && error.to_string().contains("no data"),
        "{error}"
    );
    fed.put_data().await;
    let state = fed.state_where(|state| state.in_force).await;
    assert_eq!((state.epoch, state.entities), (1, 1));
    assert!(
        state.policies.contains(&"members".to_owned())
            && state.policies.iter().any(|id| id.starts_with("floor/"))
    );
    assert!(fed.may_read(&member()) && !fed.may_read(&Principal::user("x@example.org")));
}

#[tokio::test]
async fn a_broken_policy_is_refused_with_its_reason_and_the_last_good_set_stays() {
    let fed = Fed::start(quick()).await;
    fed.put("members.cedar", MEMBERS).await;
    fed.put_data().await;
    fed.state_where(|state| state.in_force).await;

    // One file of the push is in order, the other is not: neither counts.
    assert_eq!(fed.put("everybody.cedar", EVERYBODY).await, StatusCode::OK);
    assert_eq!(
        fed.put("broken.cedar", "permit (principal").await,
        StatusCode::BAD_REQUEST
    );
    let state = fed.state_where(|state| state.refused.is_some()).await;
    let faults = state.refused.expect("a refusal").faults;
    assert_eq!(faults[0].at, "broken.cedar");
    assert!(state.in_force && state.epoch == 1);
    assert!(fed.may_read(&member()) && !fed.may_read(&Principal::user("x@example.org")));

    // Good Cedar that does not follow the schema is answered 200 to its file and refused as a set.
    let foreign = r#"permit (principal, action, resource) when { resource.colour == "red" };"#;
    assert_eq!(fed.put("broken.cedar", foreign).await, StatusCode::OK);
    let faults = fed
        .state_where(|state| {
            state
                .refused
                .as_ref()
                .is_some_and(|refusal| refusal.faults[0].message.contains("colour"))
        })
        .await;
    assert_eq!(faults.epoch, 1);

    assert_eq!(
        fed.call(Method::DELETE, "/policies/broken.cedar", Value::Null)
            .await
            .0,
        StatusCode::NO_CONTENT
    );
    let state = fed.state_where(|state| state.epoch == 2).await;
    assert_eq!(state.refused, None);
    assert!(fed.may_read(&Principal::user("x@example.org")));
}

#[tokio::test]
async fn a_push_of_many_files_comes_into_force_at_once() {
    let fed = Fed::start(Feed {
        quiet_milliseconds: 400,
        ..Feed::default()
    })
    .await;
    fed.put_data().await;
    for number in 0..8 {
        let text = EVERYBODY.replace("everybody", &format!("p{number}"));
        assert_eq!(
            fed.put(&format!("p{number}.cedar"), &text).await,
            StatusCode::OK
        );
        assert_eq!(fed.policies.epoch(), 0, "in the middle of a push");
    }
    fed.state_where(|state| state.in_force).await;
    assert_eq!(fed.policies.epoch(), 1);
}

#[tokio::test]
async fn an_emptied_feed_is_reported_and_locks_nobody_out() {
    let fed = Fed::start(quick()).await;
    fed.put("members.cedar", MEMBERS).await;
    fed.put_data().await;
    fed.state_where(|state| state.in_force).await;
    fed.call(Method::DELETE, "/policies/members.cedar", Value::Null)
        .await;
    let state = fed.state_where(|state| state.refused.is_some()).await;
    assert!(state.in_force && fed.may_read(&member()), "{state:?}");
}

#[tokio::test]
async fn files_keep_their_names_as_the_client_quotes_them() {
    let fed = Fed::start(quick()).await;
    fed.put("teams%2Fa+b%2B%26c.cedar", MEMBERS).await;
    let (_, listed) = fed.call(Method::GET, "/policies", Value::Null).await;
    assert_eq!(
        listed,
        json!([{"id": "teams/a b+&c.cedar", "content": MEMBERS}])
    );
    let (status, one) = fed
        .call(
            Method::GET,
            "/policies/teams%2Fa+b%2B%26c.cedar",
            Value::Null,
        )
        .await;
    assert_eq!((status, &one["content"]), (StatusCode::OK, &json!(MEMBERS)));
    assert_eq!(
        fed.call(Method::DELETE, "/policies/other.cedar", Value::Null)
            .await
            .0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        fed.call(Method::GET, "/", Value::Null).await.0,
        StatusCode::NO_CONTENT
    );
    assert!(fed.call(Method::GET, "/schema", Value::Null).await.1["Slipway"]["actions"]["CreateEnvironment"].is_object());
    assert_eq!(
        fed.call(Method::PUT, "/schema", json!({})).await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn a_silent_feed_ends_the_policies_and_a_word_of_it_brings_them_back() {
    let fed = Fed::start(Feed {
        max_age_seconds: Some(60),
        ..quick()
    })
    .await;
    fed.put("members.cedar", MEMBERS).await;
    fed.put_data().await;
    let heard = fed
        .state_where(|state| state.in_force)
        .await
        .heard
        .expect("heard");
    let later = |seconds: i64| heard + SignedDuration::from_secs(seconds);
    assert!(fed.policies.current_at(later(60)).is_ok());
    let error = fed
        .policies
        .current_at(later(61))
        .expect_err("silent for too long");
    assert!(
        matches!(error, PolicyUnavailable::Silent { .. })
            && error.to_string().starts_with("SLW-580"),
        "{error}"
    );
    // The same data again change nothing and are a sign of life.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    fed.put_data().await;
    assert!(fed.policies.current_at(later(61)).is_ok());
    assert_eq!(fed.policies.epoch(), 1);
}

#[tokio::test]
async fn a_restart_begins_with_the_set_that_was_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let feed = Feed {
        keep: Some(folder.path().join("policies.json")),
        ..quick()
    };
    let first = Fed::start(feed.clone()).await;
    first.put("members.cedar", MEMBERS).await;
    first.put_data().await;
    first
        .state_where(|state| state.in_force && folder.path().join("policies.json").exists())
        .await;
    drop(first);
    let second = Fed::start(feed).await;
    assert!(second.may_read(&member()) && !second.may_read(&Principal::user("x@example.org")));
    let (_, listed) = second.call(Method::GET, "/policies", Value::Null).await;
    assert_eq!(
        listed[0]["id"], "members.cedar",
        "the client sees what it must delete"
    );
}

#[tokio::test]
async fn who_has_no_token_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cret-of-the-feed\n").expect("a file");
    let fed = Fed::start(Feed {
        token_file: Some(file),
        ..quick()
    })
    .await;
    assert_eq!(
        fed.put("members.cedar", MEMBERS).await,
        StatusCode::UNAUTHORIZED
    );
    let with = |token: &str| {
        fed.http
            .get(format!("{}/policies", fed.address))
            .bearer_auth(token)
            .send()
    };
    assert_eq!(
        with("wrong").await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        with("s3cret-of-the-feed")
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "[]"
    );
    assert_eq!(
        fed.call(Method::GET, "/", Value::Null).await.0,
        StatusCode::NO_CONTENT,
        "the probe sends no token"
    );
}

#[tokio::test]
async fn a_neighbour_is_answered_in_the_words_of_cedar_agent() {
    let fed = Fed::start(quick()).await;
    let question = json!({
        "principal": r#"Slipway::User::"m@example.org""#, "action": r#"Slipway::Action::"ReadEnvironment""#,
        "resource": r#"Slipway::Environment::"x""#,
        "context": {"channel": {"__entity": {"type": "Slipway::Channel", "id": "api"}}},
        "additional_entities": [{
            "uid": {"type": "Slipway::User", "id": "m@example.org"}, "attrs": {"email": "m@example.org", "groups": []},
            "parents": [{"type": "Slipway::Team", "id": "a"}],
        }],
    });
    assert_eq!(
        fed.call(Method::POST, "/is_authorized", question.clone())
            .await
            .0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    fed.put("members.cedar", MEMBERS).await;
    fed.put_data().await;
    fed.state_where(|state| state.in_force).await;
    let (status, answer) = fed
        .call(Method::POST, "/is_authorized", question.clone())
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(
        answer,
        json!({"decision": "Allow", "diagnostics": {"reason": ["members"], "errors": []}})
    );
    let mut stranger = question;
    stranger["additional_entities"] = json!([]);
    assert_eq!(
        fed.call(Method::POST, "/is_authorized", stranger).await.1["decision"],
        "Deny"
    );
}
