//! Tokens of a real OIDC provider.

// The authority of the search engine's own tests.
#[path = "../../../crates/search/tests/engine/authority.rs"]
mod authority;

use crate::programs::{tool, until};
use authority::Authority;
use authz::AccountKind;
use jiff::{SignedDuration, Timestamp};
use platform_api::identity::{IdentityError, Settings, SettingsError, Verifier};
use reqwest::Certificate;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
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
        let http = reqwest::Client::builder().no_proxy();
        Self::start_with(&[], http).await
    }

    /// One that speaks TLS, with a certificate of that authority.
    async fn encrypted(authority: &Authority, folder: &TempDir) -> Self {
        let files = [
            written(folder, "certificate.pem", &authority.certificate),
            written(folder, "key.pem", &authority.key),
        ];
        let trusted = Certificate::from_pem(authority.pem.as_bytes()).expect("a certificate");
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([trusted]);
        Self::start_with(&files, http).await
    }

    async fn start_with(arguments: &[PathBuf], http: reqwest::ClientBuilder) -> Self {
        let mut process = Command::new("node")
            .arg(tool("oidc-provider/server.js"))
            .args(arguments)
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
            http: http.build().expect("a client"),
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
        self.verifier_with(audience, None).expect("good settings")
    }

    /// A verifier that believes nobody but the authority in that file.
    fn verifier_with(
        &self,
        audience: &str,
        ca_file: Option<&Path>,
    ) -> Result<Verifier, SettingsError> {
        let settings = json!({"pause_between_fetches": 1, "issuers": [{
            "issuer": self.issuer,
            "audiences": [audience],
            "ca_file": ca_file,
            "people": {"team_prefix": "team-", "roles": {"platform-admins": ["platform-admin"]}},
            "service_accounts": {"terraform-shop": {"kind": "terraform", "teams": ["shop"]}},
        }]});
        let settings: Settings = serde_json::from_value(settings).expect("settings");
        Verifier::new(settings)
    }
}

fn written(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = folder.path().join(name);
    std::fs::write(&file, text).expect("a file");
    file
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

#[tokio::test]
async fn an_issuer_is_believed_whose_authority_is_named_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let provider = Provider::encrypted(&authority, &folder).await;
    let token = provider.token("ada").await;
    let named = written(&folder, "authority.pem", &authority.pem);
    let verifier = provider.verifier_with(AUDIENCE, Some(&named));
    let verifier = verifier.expect("good settings");
    let person = verifier.verify(&token).await.expect("a person");
    assert_eq!(person.to_string(), "user:ada@example.org");

    let stranger = written(&folder, "stranger.pem", &Authority::new().pem);
    for other in [None, Some(stranger.as_path())] {
        let verifier = provider.verifier_with(AUDIENCE, other);
        let refused = verifier.expect("good settings").verify(&token).await;
        let Err(refused @ IdentityError::IssuerDown { .. }) = refused else {
            panic!("{refused:?}");
        };
        let words = refused.to_string();
        assert!(
            words.starts_with("SLW-573: ") && words.contains("certificate"),
            "{words}"
        );
    }

    let empty = written(&folder, "empty.pem", "");
    let error = provider.verifier_with(AUDIENCE, Some(&empty));
    let words = error.expect_err("it names nobody").to_string();
    assert!(
        words.starts_with("SLW-574: ") && words.contains("ca_file"),
        "{words}"
    );
}
