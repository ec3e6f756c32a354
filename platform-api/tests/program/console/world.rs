//! A platform with a few environments, and somebody in front of it.

use super::browser::Browser;
use super::sign_in::{GROUPS, PERSON};
use crate::issuer::Issuer;
use crate::program::{Answer, Program, Request};
use crate::store::{Kind, Store};
use serde_json::{Value, json};

pub(crate) struct World {
    pub(crate) browser: Browser,
    program: Program,
    store: Store,
    token: String,
}

impl World {
    /// Three environments: one that is ready, one that is blocked, and an evaluation that ends soon.
    pub(crate) async fn start() -> Self {
        let store = Store::start(Kind::Versitygw).await;
        let issuer = Issuer::start().await;
        let program = Program::start(&store.endpoint, &issuer).await;
        let world = Self {
            browser: Browser::start().await,
            token: issuer.token(PERSON, &GROUPS),
            program,
            store,
        };
        world.make("dev-search", "dev", &Value::Null).await;
        world.make("dev-stuck", "dev", &Value::Null).await;
        // Browsers know thousandths of a second, claims know less than that apart.
        let end = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + 90 * 60)
            .expect("a time");
        world
            .make("sue-kafka", "sue", &Value::from(end.to_string()))
            .await;
        let ready = json!({"phase": "Ready", "monthly_price": "182.40", "services": {
            "api-gateway": {"constraint": "^1.0.0.0", "tag": "v1.4.2", "ready": true},
        }});
        world.says("dev-search", ready).await;
        let blocked = json!({
            "phase": "Blocked",
            "reason": "the location has no <b>vc2-4c-8gb</b> in stock",
            "blocker": {"kind": "NodePool", "name": "general-public", "external_id": "7f3a"},
        });
        world.says("dev-stuck", blocked).await;
        world
    }

    /// Opens the page and signs in.
    pub(crate) async fn sign_in(&self) {
        self.browser.open(&self.address()).await;
        self.browser.click("#sign-in").await;
        self.browser
            .until("document.querySelectorAll('tbody tr').length === 3")
            .await;
    }

    pub(crate) fn address(&self) -> String {
        format!("{}/console/", self.program.url)
    }

    /// Asks for an environment as everybody else does: by the API.
    async fn make(&self, name: &str, kind: &str, end: &Value) {
        let claim = json!({
            "environment_name": name, "environment_pool": "team1", "environment_type": kind, "expiration_date": end,
            "services": {"api-gateway": "^1.0.0.0", "user-service": "v1.2.3"},
        });
        let answer = self
            .send(Request::new("POST", "/api/v1/environments").json(&claim))
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    /// Says what the controller would say about an environment, and waits until the API knows.
    pub(crate) async fn says(&self, name: &str, status: Value) {
        let mut whole = json!({
            "environment_name": name,
            "source": {"bucket": "environments", "key": format!("{name}.json"), "etag": self.read(name).await["etag"]},
            "since": jiff::Timestamp::now().to_string(),
        });
        for (field, value) in status.as_object().expect("fields") {
            whole[field] = value.clone();
        }
        let request = self
            .store
            .client()
            .put_object()
            .bucket("status")
            .key(format!("{name}.json"));
        let request = request.body(whole.to_string().into_bytes().into());
        request.send().await.expect("the status is written");
        for _ in 0..600 {
            if self.read(name).await["phase"] == whole["phase"] {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!(
            "the API never knows that {name} is {}\n{}",
            whole["phase"],
            self.program.log()
        );
    }

    pub(crate) async fn read(&self, name: &str) -> Value {
        self.send(Request::new("GET", &format!("/api/v1/environments/{name}")))
            .await
            .json()
    }

    async fn send(&self, request: Request) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.program
            .send(&request.header("authorization", &bearer))
            .await
    }

    /// When an environment ends.
    pub(crate) async fn end_of(&self, name: &str) -> jiff::Timestamp {
        let environment = self.read(name).await;
        environment["expires_at"]
            .as_str()
            .expect("an end")
            .parse()
            .expect("a time")
    }
}
