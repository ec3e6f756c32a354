//! An issuer that lives in the test, and what it signs.

use super::super::{IdentityError, Settings, Verifier};
use authz::Principal;
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

pub(super) const NOW: i64 = 1_800_000_000;

pub(super) struct Signer {
    id: &'static str,
    key: EncodingKey,
    pub(super) public: Value,
}

impl Signer {
    pub(super) fn new(id: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate().expect("a P-256 key");
        let key = EncodingKey::from_ec_der(&pair.serialize_der());
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("its public half");
        public.common.key_id = Some(id.to_owned());
        Self {
            id,
            key,
            public: serde_json::to_value(public).expect("JSON"),
        }
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = Header {
            kid: Some(self.id.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        encode(&header, claims, &self.key).expect("a token")
    }
}

#[derive(Default)]
pub(super) struct Issuer {
    pub(super) keys: Mutex<Vec<Value>>,
    pub(super) down: AtomicBool,
    asked: AtomicUsize,
    address: Mutex<String>,
}

impl Issuer {
    pub(super) async fn start() -> Arc<Self> {
        let issuer = Arc::new(Self::default());
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(issuer.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        *issuer.address.lock().unwrap() = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        issuer
    }

    pub(super) fn name(&self) -> String {
        self.address.lock().unwrap().clone()
    }

    pub(super) fn publish(&self, keys: &[&Signer]) {
        *self.keys.lock().unwrap() = keys.iter().map(|signer| signer.public.clone()).collect();
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn verifier(&self) -> Verifier {
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

    pub(super) fn claims(&self) -> Value {
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

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW).unwrap() + SignedDuration::from_secs(seconds)
}

pub(super) fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

pub(super) fn is_refused(answer: &Result<Principal, IdentityError>) -> bool {
    matches!(answer, Err(IdentityError::Refused { .. }))
}
