//! An identity provider with one key. What real ones do differently is tested where tokens are verified.

use crate::console::sign_in;
use axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

pub(crate) const AUDIENCE: &str = "platform-api";
const KEY_ID: &str = "test";

/// The provider. It serves as long as the test's runtime.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    key: EncodingKey,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let pair = rcgen::KeyPair::generate().expect("a key");
        let point = pair.public_key_raw();
        let (x, y) = (&point[1..33], &point[33..65]);
        let keys = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }] });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let discovery = json!({
            "issuer": url,
            "jwks_uri": format!("{url}jwks"),
            "authorization_endpoint": format!("{url}authorize"),
            "token_endpoint": format!("{url}token"),
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        // The page of the console reads it from another origin.
        let answer =
            |value: Value| get(async move || ([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(value)));
        let issuer = Self {
            url,
            key: EncodingKey::from_ec_der(pair.serialize_der().as_slice()),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", answer(discovery))
            .route("/jwks", answer(keys))
            .merge(sign_in::routes(issuer.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    /// A token for somebody of some groups.
    pub(crate) fn token(&self, name: &str, groups: &[&str]) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time")
            .as_secs();
        let claims = json!({
            "iss": self.url, "aud": AUDIENCE, "sub": name, "preferred_username": name,
            "email": name, "email_verified": true, "groups": groups,
            "iat": now, "nbf": now, "exp": now + 3600,
        });
        let header = Header {
            kid: Some(KEY_ID.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        encode(&header, &claims, &self.key).expect("a token")
    }
}
