//! Tokens of a real OIDC provider.

use crate::programs::{tool, until};
use authz::AccountKind;
use jiff::{SignedDuration, Timestamp};
use platform_api::identity::{IdentityError, Settings, Verifier};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

const AUDIENCE: &str = "urn:slipway:platform-api";

struct Provider {
    process: Child,
    issuer: String,
    http: reqwest::Client,
}

impl Provider {
    async fn start() -> Self {
        let mut process = Command::new("node")
            .arg(tool("oidc-provider/server.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let clients = json!([
            {"id": "terraform-shop", "secret": "secret-of-terraform", "claims": {}},
            {"id": "ada", "secret": "secret-of-ada", "claims": {
                "email": "ada@example.org", "email_verified": true, "groups": ["team-shop", "platform-admins"],
            }},
        ]);
        // The provider lives as long as its input, so the input stays with the process.
        let input = process.stdin.as_mut().expect("its input");
        input
            .write_all(format!("{clients}\n").as_bytes())
            .await
            .expect("it reads");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let first = tokio::time::timeout(Duration::from_mins(1), lines.next_line())
            .await
            .expect("it says where it is");
        let first: Value =
            serde_json::from_str(&first.expect("a line").expect("a line")).expect("JSON");
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            process,
            issuer: first["issuer"].as_str().expect("an address").to_owned(),
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        }
    }

    async fn token(&self, client: &str) -> String {
        let answer = self
            .http
            .post(format!("{}/token", self.issuer))
            .basic_auth(
                client,
                Some(format!("secret-of-{}", client.trim_end_matches("-shop"))),
            )
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials")
            .send()
            .await
            .expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        answer["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }

    async fn rotate(&self) {
        let answer = self
            .http
            .post(format!("{}/rotate", self.issuer))
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success());
    }

    fn verifier(&self, audience: &str) -> Verifier {
        let settings = json!({"pause_between_fetches": 1, "issuers": [{
            "issuer": self.issuer,
            "audiences": [audience],
            "people": {"team_prefix": "team-", "roles": {"platform-admins": ["platform-admin"]}},
            "service_accounts": {"terraform-shop": {"kind": "terraform", "teams": ["shop"]}},
        }]});
        let settings: Settings = serde_json::from_value(settings).expect("settings");
        Verifier::new(settings).expect("good settings")
    }
}

#[tokio::test]
async fn tokens_of_a_real_provider_are_people_and_programs() {
    let provider = Provider::start().await;
    let verifier = provider.verifier(AUDIENCE);
    let person = verifier
        .verify(&provider.token("ada").await)
        .await
        .expect("a person");
    assert_eq!(person.to_string(), "user:ada@example.org");
    assert!(person.teams.contains("shop") && person.roles.contains("platform-admin"));
    let token = provider.token("terraform-shop").await;
    let program = verifier.verify(&token).await.expect("a program");
    assert_eq!(
        program,
        authz::Principal::service_account("terraform-shop", AccountKind::Terraform)
            .in_teams(["shop"])
            .authenticated(program.authenticated_at.expect("a time"))
    );

    let later = Timestamp::now() + SignedDuration::from_secs(300 + 31);
    assert!(
        matches!(
            verifier.verify_at(&token, later).await,
            Err(IdentityError::Refused { .. })
        ),
        "it has ended"
    );
    let elsewhere = provider.verifier("urn:another");
    assert!(
        matches!(
            elsewhere.verify(&token).await,
            Err(IdentityError::Refused { .. })
        ),
        "it is not for them"
    );
}

#[tokio::test]
async fn a_real_provider_changes_its_key_and_goes_down() {
    let mut provider = Provider::start().await;
    let verifier = provider.verifier(AUDIENCE);
    let old = provider.token("ada").await;
    verifier.verify(&old).await.expect("the old key counts");
    provider.rotate().await;
    let new = provider.token("ada").await;
    let found = async || verifier.verify(&new).await.ok();
    until(Duration::from_secs(20), found, || {
        "the new key is not found".to_owned()
    })
    .await;
    let answer = verifier.verify(&old).await;
    assert!(
        matches!(answer, Err(IdentityError::Refused { .. })),
        "{answer:?}"
    );

    provider.process.kill().await.expect("it ends");
    verifier.verify(&new).await.expect("kept keys serve");
    let unseen = provider.verifier(AUDIENCE);
    let answer = unseen.verify(&new).await.expect_err("no keys can be had");
    assert!(answer.is_unavailable(), "{answer}");
}
