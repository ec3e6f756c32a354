//! What is measured: the program as it is shipped, an identity provider with one key, and a client.

use crate::store::{ACCESS_KEY, PLATFORM, REGION, SECRET_KEY};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// Built beside this measurement, unless `SLIPWAY_BIN_DIR` names a folder with another one.
const PROGRAM: &str = env!("CARGO_BIN_EXE_platform-api");
const START_DEADLINE: Duration = Duration::from_mins(5);
const AUDIENCE: &str = "platform-api";
const KEY_ID: &str = "bench";

/// The identity provider; it serves as long as the measurement.
pub(crate) struct Issuer {
    url: String,
    key: EncodingKey,
}

/// The program; it is killed in the end.
pub(crate) struct Program {
    process: Child,
    url: String,
    client: Client,
    _folder: TempDir,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let pair = rcgen::KeyPair::generate().expect("a key");
        let point = pair.public_key_raw();
        let keys = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        }] });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}jwks") });
        let answer = |value: Value| get(async move || Json(value));
        let router = Router::new()
            .route("/.well-known/openid-configuration", answer(discovery))
            .route("/jwks", answer(keys));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            key: EncodingKey::from_ec_der(pair.serialize_der().as_slice()),
        }
    }

    /// A token, as the header that carries it.
    pub(crate) fn bearer(&self, name: &str, groups: &[String]) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time")
            .as_secs();
        let claims = json!({
            "iss": self.url, "aud": AUDIENCE, "sub": name, "email": name, "email_verified": true,
            "groups": groups, "iat": now, "nbf": now, "exp": now + 3600,
        });
        let header = Header {
            kid: Some(KEY_ID.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        let token = encode(&header, &claims, &self.key).expect("a token");
        format!("Bearer {token}")
    }
}

fn program() -> PathBuf {
    std::env::var_os("SLIPWAY_BIN_DIR").map_or_else(
        || PathBuf::from(PROGRAM),
        |folder| PathBuf::from(folder).join("platform-api"),
    )
}

impl Program {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(store: &str, issuer: &Issuer) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = |name: &str, value: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, value).expect("a file");
            path
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let settings = json!({
            "platform": PLATFORM,
            "listen": address,
            "store": {
                "endpoint": store,
                "region": REGION,
                "access_key_file": secret("access-key", ACCESS_KEY),
                "secret_key_file": secret("secret-key", SECRET_KEY),
                "static_bucket": "static-environments",
                "status_bucket": "status",
            },
            "identity": { "issuers": [{
                "issuer": issuer.url, "audiences": [AUDIENCE], "people": {},
            }] },
            "audit": { "directory": folder.path().join("audit") },
            "rate": { "per_second": 1_000_000, "burst": 1_000_000 },
        });
        let file = secret("settings.json", &settings.to_string());
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let process = Command::new(program())
            .arg("serve")
            .arg("--settings")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let program = Self {
            process,
            url: format!("http://{address}"),
            client: Client::builder().no_proxy().build().expect("a client"),
            _folder: folder,
        };
        program.ready().await;
        program
    }

    async fn ready(&self) {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let asked = self.request(Method::GET, "/readyz").send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(Instant::now() < deadline, "it does not get ready");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Resident memory now and at most, in MB.
    pub(crate) fn memory(&self) -> String {
        let pid = self.process.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
        let of = |field: &str| {
            let line = status.lines().find(|line| line.starts_with(field));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            let kilobytes: u64 = number
                .and_then(|number| number.parse().ok())
                .expect("a number");
            kilobytes / 1024
        };
        format!("{} MB, {} MB at most", of("VmRSS"), of("VmHWM"))
    }
}
