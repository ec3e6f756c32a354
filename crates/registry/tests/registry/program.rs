//! The real registry program, in a folder of its own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use tempfile::TempDir;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const START_DEADLINE: Duration = Duration::from_secs(30);

/// A running registry; it ends with the value.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: String,
    _folder: TempDir,
}

impl Program {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let configuration = folder.path().join("registry.json");
        let text = json!({
            "version": 0.1,
            "storage": { "filesystem": { "rootdirectory": folder.path().join("blobs") } },
            "http": { "addr": format!("127.0.0.1:{port}") },
            "log": { "level": "error", "accesslog": { "disabled": true } },
        });
        std::fs::write(&configuration, text.to_string()).unwrap();
        let child = Command::new(executable())
            .arg("serve")
            .arg(configuration)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let program = Self {
            child,
            address: format!("http://127.0.0.1:{port}/"),
            _folder: folder,
        };
        let deadline = Instant::now() + START_DEADLINE;
        while reqwest::get(format!("{}v2/", program.address))
            .await
            .is_err()
        {
            assert!(Instant::now() < deadline, "the registry does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        program
    }

    /// Pushes one manifest, different for each content, under all of these tags.
    pub(crate) async fn push(&self, repository: &str, content: &str, tags: &[String]) {
        let http = reqwest::Client::new();
        let blob = self.push_blob(&http, repository, content).await;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": blob, "size": content.len() },
            "layers": [],
        })
        .to_string();
        for tag in tags {
            let address = format!("{}v2/{repository}/manifests/{tag}", self.address);
            let request = http
                .put(address)
                .header(CONTENT_TYPE, MANIFEST)
                .body(manifest.clone());
            request.send().await.unwrap().error_for_status().unwrap();
        }
    }

    async fn push_blob(&self, http: &reqwest::Client, repository: &str, content: &str) -> String {
        use sha2::Digest as _;
        use std::fmt::Write as _;
        let mut digest = "sha256:".to_owned();
        for byte in sha2::Sha256::digest(content.as_bytes()) {
            write!(digest, "{byte:02x}").unwrap();
        }
        let uploads = format!("{}v2/{repository}/blobs/uploads/", self.address);
        let begun = http
            .post(uploads)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
        let place = begun.headers()["location"].to_str().unwrap().to_owned();
        let place = if place.starts_with('/') {
            format!("{}{}", self.address.trim_end_matches('/'), place)
        } else {
            place
        };
        let put = http
            .put(place)
            .query(&[("digest", digest.as_str())])
            .body(content.to_owned());
        put.send().await.unwrap().error_for_status().unwrap();
        digest
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn executable() -> PathBuf {
    let tools = std::env::var_os("SLIPWAY_TOOLS")
        .expect("SLIPWAY_TOOLS names the folder that `cargo xtask tools` fills");
    let path = PathBuf::from(tools).join("registry");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo xtask tools`",
        path.display()
    );
    path
}
