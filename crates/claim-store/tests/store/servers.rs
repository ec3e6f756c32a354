//! Real S3 servers for the tests, each with a folder and a port of its own.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use claim_store::{ClaimStore, Limits, Settings};
use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const ACCESS_KEY: &str = "slipway-tests";
pub(crate) const SECRET_KEY: &str = "slipway-tests-secret";
const BUCKET: &str = "environments";
const REGION: &str = "us-east-1";
const START_DEADLINE: Duration = Duration::from_mins(1);

/// A running server with one bucket; it ends with the test.
pub(crate) struct Server {
    process: Child,
    /// Whether the bucket keeps old versions.
    pub(crate) versioned: bool,
    pub(crate) endpoint: String,
    pub(crate) ca_pem: Option<String>,
    log: PathBuf,
    _folder: TempDir,
}

impl Server {
    /// A `MinIO` with a bucket that keeps versions, as a platform has it.
    pub(crate) async fn minio() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let mut command = Command::new(tool("minio"));
        command
            .args([
                "server",
                "--address",
                &address,
                "--console-address",
                "127.0.0.1:0",
                "--config-dir",
            ])
            .arg(folder.path().join("config"))
            .arg(folder.path().join("data"))
            .env("MINIO_ROOT_USER", ACCESS_KEY)
            .env("MINIO_ROOT_PASSWORD", SECRET_KEY)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off");
        Self::start(command, folder, format!("http://{address}"), None)
            .await
            .with_versions()
            .await
    }

    /// A versitygw with a bucket that keeps no versions.
    pub(crate) async fn versitygw() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let command = versitygw(&folder, &address);
        Self::start(command, folder, format!("http://{address}"), None).await
    }

    /// A versitygw whose certificate only its own authority vouches for.
    pub(crate) async fn versitygw_with_tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let signed =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])
                .unwrap();
        let (certificate, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        std::fs::write(&certificate, signed.cert.pem()).unwrap();
        std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
        let mut command = Command::new(tool("versitygw"));
        command
            .arg("--cert")
            .arg(&certificate)
            .arg("--key")
            .arg(&key);
        versitygw_arguments(&mut command, &folder, &address);
        Self::start(
            command,
            folder,
            format!("https://{address}"),
            Some(signed.cert.pem()),
        )
        .await
    }

    async fn start(
        mut command: Command,
        folder: TempDir,
        endpoint: String,
        ca_pem: Option<String>,
    ) -> Self {
        let log = folder.path().join("server.log");
        let out = std::fs::File::create(&log).unwrap();
        let process = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut server = Self {
            process,
            versioned: false,
            endpoint,
            ca_pem,
            log,
            _folder: folder,
        };
        server.make_bucket().await;
        server
    }

    /// Makes the bucket as soon as the server takes it.
    async fn make_bucket(&mut self) {
        let client = self.client();
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let made = client.create_bucket().bucket(BUCKET).send().await;
            match made {
                Ok(_) => break,
                Err(error) => {
                    let ended = self.process.try_wait().unwrap();
                    assert!(
                        ended.is_none() && Instant::now() < deadline,
                        "{} does not answer ({ended:?}): {:?}\n{}",
                        self.endpoint,
                        error,
                        std::fs::read_to_string(&self.log).unwrap_or_default()
                    );
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The same server, with a bucket that keeps old versions.
    pub(crate) async fn with_versions(mut self) -> Self {
        let enabled = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let request = self
            .client()
            .put_bucket_versioning()
            .bucket(BUCKET)
            .versioning_configuration(enabled);
        request.send().await.unwrap();
        self.versioned = true;
        self
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            endpoint: self.endpoint.clone(),
            region: REGION.into(),
            bucket: BUCKET.into(),
            access_key: ACCESS_KEY.into(),
            secret_key: SECRET_KEY.into(),
            ca_pem: self.ca_pem.clone(),
            limits: Limits::default(),
        }
    }

    pub(crate) fn store(&self) -> ClaimStore {
        ClaimStore::new(&self.settings()).unwrap()
    }

    /// Somebody else with the same keys: a person with `mc`, for example.
    pub(crate) fn stranger(&self) -> Stranger {
        Stranger {
            client: self.client(),
        }
    }

    fn client(&self) -> aws_sdk_s3::Client {
        use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
        let builder = aws_smithy_http_client::Builder::new();
        let http = match &self.ca_pem {
            None => builder.build_http(),
            Some(pem) => {
                use aws_smithy_http_client::tls::{
                    Provider, TlsContext, TrustStore, rustls_provider::CryptoMode,
                };
                let trust = TrustStore::empty().with_pem_certificate(pem.as_bytes());
                let context = TlsContext::builder()
                    .with_trust_store(trust)
                    .build()
                    .unwrap();
                builder
                    .tls_provider(Provider::rustls(CryptoMode::AwsLc))
                    .tls_context(context)
                    .build_https()
            }
        };
        aws_sdk_s3::Client::from_conf(
            Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .endpoint_url(&self.endpoint)
                .region(Region::new(REGION))
                .force_path_style(true)
                .credentials_provider(Credentials::new(
                    ACCESS_KEY, SECRET_KEY, None, None, "tests",
                ))
                .http_client(http)
                .build(),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A writer that knows nothing of conditions and tombstones.
pub(crate) struct Stranger {
    client: aws_sdk_s3::Client,
}

impl Stranger {
    pub(crate) async fn put(&self, key: &str, body: &str) {
        let body = body.as_bytes().to_vec().into();
        self.client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(body)
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn remove(&self, key: &str) {
        self.client
            .delete_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn read(&self, key: &str) -> String {
        let answer = self
            .client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
        String::from_utf8(answer.body.collect().await.unwrap().to_vec()).unwrap()
    }

    pub(crate) async fn tag(&self, key: &str) -> String {
        let tags = self
            .client
            .get_object_tagging()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
        let tags: Vec<_> = tags
            .tag_set()
            .iter()
            .map(|tag| format!("{}={}", tag.key(), tag.value()))
            .collect();
        tags.join(",")
    }

    /// Every key, hidden ones included.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let answer = self
            .client
            .list_objects_v2()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        answer
            .contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect()
    }
}

fn versitygw(folder: &TempDir, address: &str) -> Command {
    let mut command = Command::new(tool("versitygw"));
    versitygw_arguments(&mut command, folder, address);
    command
}

fn versitygw_arguments(command: &mut Command, folder: &TempDir, address: &str) {
    let (data, versions) = (folder.path().join("data"), folder.path().join("versions"));
    for made in [&data, &versions] {
        std::fs::create_dir_all(made).unwrap();
    }
    command
        .env("ROOT_ACCESS_KEY", ACCESS_KEY)
        .env("ROOT_SECRET_KEY", SECRET_KEY)
        .args([
            "--port",
            address,
            "--region",
            REGION,
            "posix",
            "--versioning-dir",
        ])
        .arg(versions)
        .arg(data);
}

/// A port that nobody had a moment ago.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

/// A server's program: in `$SLIPWAY_TOOLS`, or where `cargo xtask tools` put it.
fn tool(name: &str) -> PathBuf {
    let built = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache/slipway/tools/current"));
    let folder = env::var_os("SLIPWAY_TOOLS")
        .map(PathBuf::from)
        .or_else(built);
    let program = folder
        .map(|folder| folder.join(name))
        .filter(|program| program.is_file());
    program.unwrap_or_else(|| {
        panic!("no {name} in $SLIPWAY_TOOLS or ~/.cache/slipway/tools/current: these tests run against the real one, build it with `cargo xtask tools`")
    })
}
