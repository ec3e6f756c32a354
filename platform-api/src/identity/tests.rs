//! Tokens against an issuer that lives in the test.

use super::{IdentityError, Settings, Verifier};
use authz::{AccountKind, Principal, Subject};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const NOW: i64 = 1_800_000_000;

struct Signer {
    id: &'static str,
    key: EncodingKey,
    public: Value,
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate().expect("a P-256 key");
        let key = EncodingKey::from_ec_der(&pair.serialize_der());
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("its public half");
        public.common.key_id = Some(id.to_owned());
        Self { id, key, public: serde_json::to_value(public).expect("JSON") }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.key).expect("a token")
    }
}

#[derive(Default)]
struct Issuer {
    keys: Mutex<Vec<Value>>,
    down: AtomicBool,
    asked: AtomicUsize,
    address: Mutex<String>,
}

impl Issuer {
    async fn start() -> Arc<Self> {
        let issuer = Arc::new(Self::default());
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(issuer.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        *issuer.address.lock().unwrap() = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        issuer
    }

    fn name(&self) -> String {
        self.address.lock().unwrap().clone()
    }

    fn publish(&self, keys: &[&Signer]) {
        *self.keys.lock().unwrap() = keys.iter().map(|signer| signer.public.clone()).collect();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn verifier(&self) -> Verifier {
        Verifier::new(self.settings()).expect("good settings")
    }

    fn settings(&self) -> Settings {
        let settings = json!({"issuers": [{
            "issuer": self.name(),
            "audiences": ["platform"],
            "algorithms": ["ES256"],
            "people": {"team_prefix": "team-", "roles": {"platform-admins": ["platform-admin"]}},
            "pipelines": {"projects": {"group/environments": ["shop"]}},
            "service_accounts": {"terraform-shop": {"kind": "terraform", "teams": ["shop"]}},
        }]});
        serde_json::from_value(settings).expect("settings")
    }

    fn claims(&self) -> Value {
        json!({
            "iss": self.name(), "aud": "platform", "sub": "7", "exp": NOW + 300, "iat": NOW - 10,
            "email": "Ada@Example.org", "email_verified": true, "groups": ["team-shop", "platform-admins"],
        })
    }
}

async fn discovery(State(issuer): State<Arc<Issuer>>) -> Response {
    issuer.asked.fetch_add(1, Ordering::SeqCst);
    if issuer.down.load(Ordering::SeqCst) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let name = issuer.name();
    Json(json!({"issuer": name, "jwks_uri": format!("{name}/keys")})).into_response()
}

async fn keys(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    Json(json!({"keys": *issuer.keys.lock().unwrap()}))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW).unwrap() + SignedDuration::from_secs(seconds)
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn is_refused(answer: &Result<Principal, IdentityError>) -> bool {
    matches!(answer, Err(IdentityError::Refused { .. }))
}

#[tokio::test]
async fn a_person_has_the_teams_and_roles_of_their_groups() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let who = issuer.verifier().verify_at(&signer.sign(&issuer.claims()), at(0)).await.expect("a person");
    assert_eq!(who.to_string(), "user:ada@example.org");
    assert_eq!(who.teams.iter().collect::<Vec<_>>(), ["shop"]);
    assert_eq!(who.roles.iter().collect::<Vec<_>>(), ["platform-admin"]);
    assert_eq!(who.authenticated_at, Some(at(-10)));
}

#[tokio::test]
async fn an_address_that_nobody_vouches_for_is_nobodys() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    for unproved in [json!(false), json!(null), json!("no")] {
        let token = signer.sign(&with(issuer.claims(), "email_verified", unproved));
        let answer = verifier.verify_at(&token, at(0)).await;
        assert!(matches!(answer, Err(IdentityError::Unknown { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_is_for_us_and_for_now_give_or_take_the_leeway() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    let token = signer.sign(&issuer.claims());
    assert!(verifier.verify_at(&token, at(329)).await.is_ok());
    assert!(is_refused(&verifier.verify_at(&token, at(330)).await));
    assert!(verifier.verify_at(&token, at(-40)).await.is_ok());
    assert!(is_refused(&verifier.verify_at(&token, at(-41)).await), "made in the future");
    let later = signer.sign(&with(issuer.claims(), "nbf", json!(NOW + 100)));
    assert!(is_refused(&verifier.verify_at(&later, at(69)).await));
    assert!(verifier.verify_at(&later, at(70)).await.is_ok());
    for (claim, value) in [
        ("aud", json!("another")),
        ("aud", json!(["another", "third"])),
        ("aud", json!(null)),
        ("exp", json!(null)),
        ("exp", json!("soon")),
        ("iss", json!("https://elsewhere.example.org")),
    ] {
        let token = signer.sign(&with(issuer.claims(), claim, value.clone()));
        assert!(is_refused(&verifier.verify_at(&token, at(0)).await), "{claim}: {value}");
    }
    let many = signer.sign(&with(issuer.claims(), "aud", json!(["another", "platform"])));
    assert!(verifier.verify_at(&many, at(0)).await.is_ok());
}

#[tokio::test]
async fn no_signature_but_that_of_a_published_key_counts() {
    let (issuer, signer, thief) = (Issuer::start().await, Signer::new("one"), Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    assert!(is_refused(&verifier.verify_at(&thief.sign(&issuer.claims()), at(0)).await));

    // The body of one token under the signature of another.
    let good = signer.sign(&issuer.claims());
    let other = signer.sign(&with(issuer.claims(), "email", json!("root@example.org")));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (good, other) = (parts(&good), parts(&other));
    let mixed = format!("{}.{}.{}", good[0], other[1], good[2]);
    assert!(is_refused(&verifier.verify_at(&mixed, at(0)).await));

    // Signed with the public key as if it were a shared secret.
    let shared = EncodingKey::from_secret(issuer.keys.lock().unwrap()[0].to_string().as_bytes()).unwrap();
    let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
    let confused = encode(&header, &issuer.claims(), &shared).unwrap();
    assert!(is_refused(&verifier.verify_at(&confused, at(0)).await));

    use base64::Engine as _;
    let none = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"one"}"#);
    for bare in [format!("{none}.{}.", good[1]), format!("{none}.{}", good[1]), String::new(), "a.b.c".into(), "x".repeat(20_000)] {
        let answer = verifier.verify_at(&bare, at(0)).await;
        assert!(matches!(answer, Err(IdentityError::Malformed { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn a_key_that_signs_with_another_algorithm_is_not_the_key() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    let mut declared = signer.public.clone();
    declared["alg"] = json!("ES384");
    *issuer.keys.lock().unwrap() = vec![declared, json!({"kty": "oct", "kid": "one", "k": "c2VjcmV0"}), json!({"kty": "new kind"})];
    assert!(is_refused(&issuer.verifier().verify_at(&signer.sign(&issuer.claims()), at(0)).await));
    let mut encryption = signer.public.clone();
    encryption["use"] = json!("enc");
    *issuer.keys.lock().unwrap() = vec![encryption];
    let answer = issuer.verifier().verify_at(&signer.sign(&issuer.claims()), at(0)).await;
    assert!(matches!(answer, Err(IdentityError::IssuerDown { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_new_key_is_found_and_nonsense_does_not_make_us_ask_for_each_token() {
    let (issuer, old, new) = (Issuer::start().await, Signer::new("old"), Signer::new("new"));
    issuer.publish(&[&old]);
    let verifier = issuer.verifier();
    assert!(verifier.verify_at(&old.sign(&issuer.claims()), at(0)).await.is_ok());
    assert_eq!(issuer.asked(), 1);

    issuer.publish(&[&new]);
    assert!(verifier.verify_at(&new.sign(&issuer.claims()), at(20)).await.is_ok());
    assert_eq!(issuer.asked(), 2);
    assert!(is_refused(&verifier.verify_at(&old.sign(&issuer.claims()), at(40)).await), "a withdrawn key counts no more");

    let asked = issuer.asked();
    let thief = Signer::new("made up");
    for _ in 0..50 {
        assert!(is_refused(&verifier.verify_at(&thief.sign(&issuer.claims()), at(41)).await));
    }
    assert_eq!(issuer.asked(), asked);
}

#[tokio::test]
async fn many_who_come_at_once_make_us_ask_once() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = Arc::new(issuer.verifier());
    let token = signer.sign(&issuer.claims());
    let all = (0..20).map(|_| {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move { verifier.verify_at(&token, at(0)).await })
    });
    for one in futures::future::join_all(all).await {
        assert!(one.unwrap().is_ok());
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn kept_keys_serve_while_the_issuer_is_down_and_then_it_is_our_failure() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    let lasting = signer.sign(&with(issuer.claims(), "exp", json!(NOW + 100_000)));
    assert!(verifier.verify_at(&lasting, at(0)).await.is_ok());

    issuer.down.store(true, Ordering::SeqCst);
    assert!(verifier.verify_at(&lasting, at(3_599)).await.is_ok());
    let answer = verifier.verify_at(&lasting, at(3_620)).await.expect_err("too old");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    let unknown = Signer::new("two").sign(&issuer.claims());
    let answer = verifier.verify_at(&unknown, at(3_621)).await.expect_err("cannot be told");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{answer}");

    issuer.down.store(false, Ordering::SeqCst);
    assert!(verifier.verify_at(&lasting, at(3_640)).await.is_ok());
}

#[tokio::test]
async fn a_pipeline_is_its_project_and_only_a_protected_branch_counts_as_reviewed() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    let claims = json!({
        "iss": issuer.name(), "aud": "platform", "sub": "project_path:group/environments:ref_type:branch:ref:main",
        "exp": NOW + 300, "iat": NOW, "project_path": "group/environments", "pipeline_id": "9", "ref": "main",
        "ref_type": "branch", "ref_protected": "true", "user_email": "root@example.org",
    });
    let read = async |claims: Value| verifier.verify_at(&signer.sign(&claims), at(0)).await;
    let is_protected = |who: &Principal| match &who.subject {
        Subject::ServiceAccount { kind: AccountKind::GitlabCi, pipeline: Some(pipeline), .. } => pipeline.protected,
        other => panic!("{other:?}"),
    };
    let who = read(claims.clone()).await.expect("a pipeline");
    assert_eq!(who.to_string(), "gitlab-ci:group/environments");
    assert!(is_protected(&who) && who.teams.contains("shop"));
    assert!(!is_protected(&read(with(claims.clone(), "ref_protected", json!("false"))).await.unwrap()));
    assert!(!is_protected(&read(with(claims.clone(), "ref_type", json!("tag"))).await.unwrap()));
    let foreign = read(with(claims, "project_path", json!("evil/environments"))).await;
    assert!(matches!(foreign, Err(IdentityError::Unknown { .. })), "{foreign:?}");
}

#[tokio::test]
async fn a_program_is_what_the_settings_say_of_its_subject() {
    let (issuer, signer) = (Issuer::start().await, Signer::new("one"));
    issuer.publish(&[&signer]);
    let verifier = issuer.verifier();
    let claims = json!({"iss": issuer.name(), "aud": "platform", "exp": NOW + 300, "iat": NOW, "sub": "terraform-shop", "client_id": "terraform-shop"});
    let who = verifier.verify_at(&signer.sign(&claims), at(0)).await.expect("a program");
    assert_eq!(who.to_string(), "terraform:terraform-shop");
    // A person who signed in through the program's client stays a person.
    let person = with(issuer.claims(), "azp", json!("terraform-shop"));
    let who = verifier.verify_at(&signer.sign(&person), at(0)).await.expect("a person");
    assert_eq!(who.to_string(), "user:ada@example.org");
}

#[test]
fn settings_that_would_open_a_door_are_refused() {
    let read = |issuer: Value| serde_json::from_value::<Settings>(json!({"issuers": [issuer]}));
    let good = json!({"issuer": "https://id.example.org/", "audiences": ["platform"], "people": {}});
    assert!(read(good.clone()).unwrap().check().is_ok());
    for (name, value) in [("issuer", json!("http://id.example.org/")), ("audiences", json!([])), ("algorithms", json!([])), ("people", json!(null))] {
        let error = read(with(good.clone(), name, value)).unwrap().check().expect_err(name);
        assert!(error.to_string().starts_with("SLW-574"), "{error}");
    }
    for secret in ["HS256", "none"] {
        assert!(read(with(good.clone(), "algorithms", json!([secret]))).is_err(), "{secret}");
    }
    let kind = json!({"x": {"kind": "gitlab-ci"}});
    assert!(read(with(good, "service_accounts", kind)).is_err(), "a pipeline proves that it is one");
}
