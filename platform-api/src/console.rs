//! The page for people: a few static files, and the two settings that they need.
//!
//! The files lie in `platform-api/console` and are part of the program. They have no rights of their own: the page signs
//! its user in at the issuer and asks the API like everybody else. What it may load and where it may connect to is
//! written into every answer, so that a mistake in it stays without consequences.

use axum::Router;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::Url;

/// The page itself; the issuer sends its users back to this path.
pub const PAGE: &str = "/console/";
/// The JSON Schema of a claim, which the form is made from.
pub const SCHEMA: &str = "/api/v1/claim.schema.json";

/// What the page must know to sign somebody in.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The issuer, as it stands in its tokens.
    pub issuer: Url,
    /// The name under which the issuer knows the page: a public client, with `…/console/` among its redirections.
    pub client_id: String,
    /// What the page asks for; `openid` is always needed.
    pub scopes: Vec<String>,
    /// The audience that the API wants in a token, for issuers that want to be told (`resource` of RFC 8707).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// A file as it is answered.
struct Asset {
    path: &'static str,
    media: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal $media:literal),* $(,)?) => {
        [$(Asset {
            path: concat!("/console/", $name),
            media: $media,
            bytes: include_bytes!(concat!("../console/", $name)),
        }),*]
    };
}

// Named one by one: what is not named is not served, and the compiler sees every change.
const ASSETS: [Asset; 15] = assets!(
    "index.html" "text/html; charset=utf-8",
    "icon.svg" "image/svg+xml",
    "base.css" "text/css; charset=utf-8",
    "parts.css" "text/css; charset=utf-8",
    "main.js" "text/javascript; charset=utf-8",
    "api.js" "text/javascript; charset=utf-8",
    "element.js" "text/javascript; charset=utf-8",
    "environments.js" "text/javascript; charset=utf-8",
    "environment.js" "text/javascript; charset=utf-8",
    "create.js" "text/javascript; charset=utf-8",
    "form.js" "text/javascript; charset=utf-8",
    "login.js" "text/javascript; charset=utf-8",
    "dialogs.js" "text/javascript; charset=utf-8",
    "words.js" "text/javascript; charset=utf-8",
    "schema.js" "text/javascript; charset=utf-8",
);

/// The routes of the page. They ask for no token: there is nothing in them that is not in this repository.
pub fn router<S: Clone + Send + Sync + 'static>(settings: &Settings) -> Router<S> {
    let policy = content_policy(&settings.issuer);
    let config = serde_json::to_vec(settings).unwrap_or_default();
    let mut router = Router::new().route("/console", get(|| async { Redirect::permanent(PAGE) }));
    let assets = ASSETS.iter().map(|asset| {
        let path = if asset.path.ends_with("/index.html") {
            PAGE
        } else {
            asset.path
        };
        (path, asset.media, asset.bytes.to_vec())
    });
    let made = [("/console/config.json", "application/json", config)];
    for (path, media, bytes) in assets.chain(made) {
        let file = File::new(media, bytes, &policy);
        router = router.route(
            path,
            get(move |headers: HeaderMap| async move { file.answer(&headers) }),
        );
    }
    router
}

/// The route of the claim's JSON Schema, which editors and other forms want too, with the page or without it.
pub fn schema<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let schema = claims::claim_schema().to_string().into_bytes();
    let file = File::new("application/schema+json", schema, "default-src 'none'");
    Router::new().route(
        SCHEMA,
        get(move |headers: HeaderMap| async move { file.answer(&headers) }),
    )
}

/// What the page may do: its own files, the API, and the issuer. Nothing inline, nothing of others, in no frame.
fn content_policy(issuer: &Url) -> String {
    let issuer = issuer.origin().ascii_serialization();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {issuer}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// Bytes with the headers that they are always answered with.
#[derive(Clone)]
struct File {
    headers: HeaderMap,
    bytes: bytes::Bytes,
}

impl File {
    fn new(media: &'static str, bytes: Vec<u8>, policy: &str) -> Self {
        let tag = format!("{:x}", Sha256::digest(&bytes));
        let mut headers = HeaderMap::new();
        let fixed = [
            (CONTENT_TYPE, media),
            // Asked for each time and answered with 304: a page of two releases never mixes.
            (CACHE_CONTROL, "no-cache"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in [
            (ETAG, format!("\"{tag}\"")),
            (CONTENT_SECURITY_POLICY, policy.to_owned()),
        ] {
            // An issuer's origin and a number in hex are always a header's value.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        Self {
            headers,
            bytes: bytes.into(),
        }
    }

    fn answer(self, request: &HeaderMap) -> Response {
        let known = request
            .get(IF_NONE_MATCH)
            .is_some_and(|tag| Some(tag) == self.headers.get(ETAG));
        let (status, body) = if known {
            (StatusCode::NOT_MODIFIED, Body::empty())
        } else {
            (StatusCode::OK, Body::from(self.bytes))
        };
        (status, self.headers, body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use tower::ServiceExt as _;

    fn page() -> Router {
        router(&Settings {
            issuer: "https://id.acme.example/application/o/slipway/"
                .parse()
                .unwrap(),
            client_id: "slipway-console".into(),
            scopes: vec!["openid".into()],
            resource: None,
        })
    }

    async fn get(path: &str, tag: Option<&HeaderValue>) -> Response {
        let mut request = Request::get(path);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        page()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn the_policy_allows_nothing_inline_and_the_issuer_alone_besides_us() {
        for path in [PAGE, "/console/main.js", "/console/config.json"] {
            let answer = get(path, None).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(
                policy.contains("connect-src 'self' https://id.acme.example;"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[tokio::test]
    async fn the_schema_is_the_published_one() {
        let request = Request::get(SCHEMA).body(Body::empty()).unwrap();
        let answer = schema::<()>().oneshot(request).await.unwrap();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20)
            .await
            .unwrap();
        let published = include_str!("../../docs/claim.schema.json");
        let served: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            served,
            serde_json::from_str::<serde_json::Value>(published).unwrap()
        );
    }

    #[tokio::test]
    async fn what_the_browser_has_is_not_sent_again() {
        let first = get("/console/base.css", None).await;
        let again = get("/console/base.css", first.headers().get(ETAG)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn every_file_of_the_folder_is_served_and_no_other() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/console");
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, ASSETS.len());
        assert_eq!(
            get("/console/../Cargo.toml", None).await.status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            get("/console", None).await.status(),
            StatusCode::PERMANENT_REDIRECT
        );
    }

    #[test]
    fn the_page_names_no_address_but_its_own() {
        for asset in &ASSETS {
            let text =
                String::from_utf8_lossy(asset.bytes).replace("http://www.w3.org/2000/svg", "");
            assert!(
                !text.contains("http://") && !text.contains("https://"),
                "{}",
                asset.path
            );
            assert!(
                !text.contains("localStorage") && !text.contains("innerHTML"),
                "{}",
                asset.path
            );
        }
    }
}
