//! How a person signs in at the tests' issuer: a code for whoever comes, and a token for the code with its verifier.

use crate::issuer::Issuer;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use url::Url;
use uuid::Uuid;

/// The page, as the issuer knows it.
pub(crate) const CLIENT: &str = "slipway-console";
/// Who signs in.
pub(crate) const PERSON: &str = "jane@acme.example";
/// What the person belongs to.
pub(crate) const GROUPS: [&str; 1] = ["platform-admins"];

struct Desk {
    issuer: Issuer,
    /// Challenges by the code that was given for them; a code works once.
    challenges: Mutex<HashMap<String, String>>,
}

#[derive(Deserialize)]
struct Wish {
    response_type: String,
    client_id: String,
    redirect_uri: Url,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
}

pub(crate) fn routes(issuer: Issuer) -> Router {
    let desk = Arc::new(Desk {
        issuer,
        challenges: Mutex::default(),
    });
    Router::new()
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .with_state(desk)
}

async fn authorize(State(desk): State<Arc<Desk>>, Query(wish): Query<Wish>) -> Response {
    let ours = wish.response_type == "code"
        && wish.client_id == CLIENT
        && wish.code_challenge_method == "S256"
        && wish.redirect_uri.path() == "/console/";
    if !ours {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let code = Uuid::new_v4().to_string();
    let mut back = wish.redirect_uri;
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &wish.state)
        .append_pair("iss", &desk.issuer.url);
    let mut challenges = desk.challenges.lock().expect("a lock");
    challenges.insert(code, wish.code_challenge);
    Redirect::to(back.as_str()).into_response()
}

async fn token(State(desk): State<Arc<Desk>>, form: String) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(form.as_bytes())
        .into_owned()
        .collect();
    let said = |field: &str| form.get(field).map(String::as_str).unwrap_or_default();
    let challenge = desk.challenges.lock().expect("a lock").remove(said("code"));
    let answer = URL_SAFE_NO_PAD.encode(Sha256::digest(said("code_verifier")));
    let right = challenge.is_some_and(|challenge| challenge == answer)
        && said("client_id") == CLIENT
        && said("grant_type") == "authorization_code";
    let body = if right {
        json!({"access_token": desk.issuer.token(PERSON, &GROUPS), "token_type": "Bearer", "expires_in": 3600})
    } else {
        json!({"error": "invalid_grant"})
    };
    let status = if right {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    (status, [(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(body)).into_response()
}
