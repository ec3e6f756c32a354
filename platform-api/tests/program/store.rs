//! Real S3 servers, each with a folder and a port of its own.

use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use claim_store::{ClaimStore, Limits, Settings};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const ACCESS_KEY: &str = "slipway-tests";
pub(crate) const SECRET_KEY: &str = "slipway-tests-secret";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const PLATFORM: &str = "test-platform";
pub(crate) const CLAIMS: &str = "environments";
const BUCKETS: [&str; 3] = [CLAIMS, "static-environments", "status"];
const START_DEADLINE: Duration = Duration::from_mins(1);

/// A running server with the platform's buckets; it ends with the test.
pub(crate) struct Store {
    process: Child,
    pub(crate) endpoint: String,
    _folder: TempDir,
}

/// The servers that the tests know. They are unlike each other where the standard leaves room.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Minio,
    Versitygw,
}

impl Store {
    pub(crate) async fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = free_address();
        let mut command = match kind {
            Kind::Minio => minio(&folder, &address),
            Kind::Versitygw => versitygw(&folder, &address),
        };
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let store = Self {
            process,
            endpoint: format!("http://{address}"),
            _folder: folder,
        };
        for bucket in BUCKETS {
            store.make(bucket).await;
        }
        store.keep_versions().await;
        store
    }

    /// Makes a bucket as soon as the server takes it.
    async fn make(&self, bucket: &str) {
        let deadline = Instant::now() + START_DEADLINE;
        while let Err(error) = self.client().create_bucket().bucket(bucket).send().await {
            assert!(
                Instant::now() < deadline,
                "{} does not answer: {error:?}",
                self.endpoint
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let marked = self
            .client()
            .put_object()
            .bucket(bucket)
            .key(".platform-id");
        let marked = marked
            .body(PLATFORM.as_bytes().to_vec().into())
            .send()
            .await;
        marked.expect("the bucket says whose it is");
    }

    async fn keep_versions(&self) {
        let enabled = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let request = self.client().put_bucket_versioning();
        let request = request.bucket(CLAIMS).versioning_configuration(enabled);
        request.send().await.expect("versions are kept");
    }

    /// The claims, past the program.
    pub(crate) fn claims(&self) -> ClaimStore {
        let settings = Settings {
            endpoint: self.endpoint.clone(),
            region: REGION.into(),
            bucket: CLAIMS.into(),
            access_key: ACCESS_KEY.into(),
            secret_key: SECRET_KEY.into(),
            ca_pem: None,
            limits: Limits::default(),
        };
        ClaimStore::new(&settings).expect("a store")
    }

    /// How many times an object was written.
    pub(crate) async fn versions(&self, key: &str) -> usize {
        let request = self.client().list_object_versions();
        let listed = request.bucket(CLAIMS).prefix(key).send().await;
        listed.expect("a listing").versions().len()
    }

    pub(crate) fn client(&self) -> aws_sdk_s3::Client {
        let keys = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test");
        let http = aws_smithy_http_client::Builder::new().build_http();
        aws_sdk_s3::Client::from_conf(
            Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .endpoint_url(&self.endpoint)
                .region(Region::new(REGION))
                .credentials_provider(keys)
                .force_path_style(true)
                .http_client(http)
                .build(),
        )
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn minio(folder: &TempDir, address: &str) -> Command {
    let mut command = Command::new(tool("minio"));
    command
        .args(["server", "--address", address])
        .args(["--console-address", "127.0.0.1:0", "--config-dir"])
        .arg(folder.path().join("config"))
        .arg(folder.path().join("data"))
        .env("MINIO_ROOT_USER", ACCESS_KEY)
        .env("MINIO_ROOT_PASSWORD", SECRET_KEY)
        .env("MINIO_BROWSER", "off")
        .env("MINIO_UPDATE", "off");
    command
}

fn versitygw(folder: &TempDir, address: &str) -> Command {
    let (data, versions) = (folder.path().join("data"), folder.path().join("versions"));
    for folder in [&data, &versions] {
        std::fs::create_dir(folder).expect("a folder");
    }
    let mut command = Command::new(tool("versitygw"));
    command
        .args(["--port", address, "--region", REGION])
        .env("ROOT_ACCESS_KEY", ACCESS_KEY)
        .env("ROOT_SECRET_KEY", SECRET_KEY)
        .args(["posix", "--versioning-dir"])
        .arg(versions)
        .arg(data);
    command
}

/// A program of `cargo xtask tools`.
pub(crate) fn tool(name: &str) -> PathBuf {
    let folder = std::env::var_os("SLIPWAY_TOOLS")
        .expect("SLIPWAY_TOOLS names the folder that `cargo xtask tools` prints");
    let path = PathBuf::from(folder).join(name);
    assert!(
        path.is_file(),
        "{} is missing: cargo xtask tools",
        path.display()
    );
    path
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}
