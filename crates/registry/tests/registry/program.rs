//! What a real registry holds for a test.

use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use slipway_tests::RegistryProgram;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A running registry; it ends with the value.
pub(crate) struct Program(RegistryProgram);

impl Program {
    pub(crate) fn start() -> Self {
        Self(RegistryProgram::start().unwrap())
    }

    pub(crate) fn address(&self) -> &str {
        self.0.address()
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
            let address = format!("{}v2/{repository}/manifests/{tag}", self.address());
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
        let uploads = format!("{}v2/{repository}/blobs/uploads/", self.address());
        let begun = http
            .post(uploads)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
        let place = begun.headers()["location"].to_str().unwrap().to_owned();
        let place = if place.starts_with('/') {
            format!("{}{}", self.address().trim_end_matches('/'), place)
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
