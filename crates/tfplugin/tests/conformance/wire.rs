//! The process as go-plugin meets it: handshake line, mutual TLS, shutdown: W1 to W14, and W23.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use serde_json::json;
use tfcore::{Config, Core};

use crate::binary::{files, unruly};
use crate::driver::{assert_refused, quiet, thing};
use crate::workspace::Workspace;

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
/// The start of every HTTP/2 connection, and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// Generous: core kills two seconds after Shutdown, a busy machine is slower.
const PATIENCE: Duration = Duration::from_secs(30);

/// A started provider; killed if a test forgets it.
struct Plugin {
    process: Child,
    fields: Vec<String>,
    stdout: BufReader<ChildStdout>,
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Plugin {
    /// Started as core starts it, with this client certificate.
    fn start(client_certificate: Option<&Certificate>) -> Self {
        let mut command = Command::new(files());
        command
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
            .env_remove("PLUGIN_CLIENT_CERT")
            .stdout(Stdio::piped());
        if let Some(certificate) = client_certificate {
            command.env("PLUGIN_CLIENT_CERT", certificate.pem());
        }
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let fields = line.trim_end().split('|').map(str::to_owned).collect();
        Self {
            process,
            fields,
            stdout,
        }
    }

    fn socket(&self) -> &str {
        &self.fields[3]
    }

    fn certificate(&self) -> CertificateDer<'static> {
        STANDARD_NO_PAD.decode(&self.fields[5]).unwrap().into()
    }

    /// How the process ended; nothing if it has not by then.
    fn exits_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.process.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    #[track_caller]
    fn assert_goes(&mut self) {
        let status = self.exits_within(PATIENCE);
        assert_eq!(status.and_then(|status| status.code()), Some(0));
    }
}

/// A certificate of the kind that core makes: ECDSA P-521, self-signed, marked as a CA.
fn core_certificate() -> (Certificate, KeyPair) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    (certificate, key)
}

/// What a connection turned out to be.
struct Connected {
    protocol: Option<Vec<u8>>,
    version: Option<ProtocolVersion>,
}

/// Connects like core, which asks for `localhost` and speaks TLS 1.3.
async fn connect(
    plugin: &Plugin,
    client: Option<&(Certificate, KeyPair)>,
) -> std::io::Result<Connected> {
    connect_to("localhost", &TLS13, plugin, client).await
}

async fn connect_to(
    name: &str,
    version: &'static SupportedProtocolVersion,
    plugin: &Plugin,
    client: Option<&(Certificate, KeyPair)>,
) -> std::io::Result<Connected> {
    let mut roots = RootCertStore::empty();
    roots.add(plugin.certificate()).unwrap();
    let crypto = aws_lc_rs::default_provider();
    let keys = crypto.key_provider;
    let config = ClientConfig::builder_with_provider(Arc::new(crypto))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match client {
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
            let key = keys.load_private_key(key).unwrap();
            // Not checked here whether the two belong together: that is the server's part.
            let certified = CertifiedKey::new(vec![certificate.der().clone()], key);
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = UnixStream::connect(plugin.socket()).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    // With TLS 1.3 the client is done before the server has looked at its certificate: only an answer counts.
    stream.write_all(PREFACE).await?;
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).await?;
    assert_eq!(answer[3], SETTINGS_FRAME);
    let session = stream.get_ref().1;
    Ok(Connected {
        protocol: session.alpn_protocol().map(<[u8]>::to_vec),
        version: session.protocol_version(),
    })
}

const SETTINGS_FRAME: u8 = 4;

#[tokio::test]
async fn w01_stdout_holds_the_handshake_line_and_nothing_else() {
    let mut plugin = Plugin::start(None);
    assert_eq!(plugin.fields[..3], ["1", "6", "unix"]);
    assert_eq!(plugin.fields[4..], ["grpc", ""]);
    shut_down(plugin.socket()).await.unwrap();
    let mut rest = String::new();
    plugin.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[tokio::test]
async fn w02_the_socket_is_its_owners_alone_and_goes_with_the_process() {
    let mut plugin = Plugin::start(None);
    let socket = PathBuf::from(plugin.socket());
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    shut_down(plugin.socket()).await.unwrap();
    plugin.assert_goes();
    assert!(!socket.exists());
}

#[test]
fn w03_the_listener_is_there_before_the_line() {
    for _ in 0..5 {
        let plugin = Plugin::start(None);
        std::os::unix::net::UnixStream::connect(plugin.socket()).unwrap();
    }
}

/// A shell between core and the provider keeps a copy of its stdout.
#[tokio::test]
async fn w04_a_panic_does_not_reach_stdout() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("stdout");
    let mut shell = quiet("/bin/sh");
    shell.args(["-c", r#""$0" | tee "$1""#]);
    shell.arg(unruly()).arg(&copy);
    let core = Core::start(shell).await.unwrap();
    core.configure(&Config::default()).await.unwrap();
    let panics = thing(json!({ "breaks": "c25" }));
    let panicked = core.converge("unruly_thing", &mut None, &panics).await;
    assert_refused(&panicked.unwrap_err(), "in the middle of it");
    assert!(core.shutdown().await.unwrap());
    let printed = std::fs::read_to_string(copy).unwrap();
    assert_eq!(printed.lines().count(), 1, "{printed}");
}

#[tokio::test]
async fn w05_the_server_is_localhost_and_nobody_else() {
    let core = core_certificate();
    let plugin = Plugin::start(Some(&core.0));
    connect(&plugin, Some(&core)).await.unwrap();
    let elsewhere = connect_to("elsewhere", &TLS13, &plugin, Some(&core)).await;
    assert!(elsewhere.is_err());
}

/// webpki alone would refuse it: core's certificate is marked as a CA.
#[tokio::test]
async fn w06_core_is_let_in_by_its_certificate() {
    let core = core_certificate();
    let plugin = Plugin::start(Some(&core.0));
    connect(&plugin, Some(&core)).await.unwrap();
}

#[tokio::test]
async fn w07_nobody_is_let_in_without_a_certificate() {
    let core = core_certificate();
    let plugin = Plugin::start(Some(&core.0));
    assert!(connect(&plugin, None).await.is_err());
    let mut plain = UnixStream::connect(plugin.socket()).await.unwrap();
    plain.write_all(PREFACE).await.unwrap();
    let mut answer = [0; 9];
    let read = plain.read_exact(&mut answer).await;
    assert!(read.is_err() || answer[3] != SETTINGS_FRAME, "without TLS");
    assert!(connect(&plugin, Some(&core)).await.is_ok(), "core still is");
}

/// A certificate is public; the very same bytes and a signature with their key are what counts.
#[tokio::test]
async fn w08_nobody_is_let_in_with_another_certificate_or_key() {
    let core = core_certificate();
    let plugin = Plugin::start(Some(&core.0));
    let stranger = core_certificate();
    assert!(connect(&plugin, Some(&stranger)).await.is_err());
    let thief = (core.0.clone(), stranger.1);
    assert!(connect(&plugin, Some(&thief)).await.is_err());
}

#[tokio::test]
async fn w09_http_2_is_agreed_on() {
    let core = core_certificate();
    let plugin = Plugin::start(Some(&core.0));
    let connected = connect(&plugin, Some(&core)).await.unwrap();
    assert_eq!(connected.protocol.as_deref(), Some(&b"h2"[..]));
}

#[tokio::test]
async fn w10_tls_1_2_is_the_least_and_1_3_the_usual() {
    let core = core_certificate();
    let plugin = Plugin::start(Some(&core.0));
    for version in [&TLS12, &TLS13] {
        let connected = connect_to("localhost", version, &plugin, Some(&core)).await;
        assert_eq!(connected.unwrap().version, Some(version.version));
    }
}

#[test]
fn run_by_hand_it_says_what_it_is() {
    let output = Command::new(files())
        .env_remove("TF_PLUGIN_MAGIC_COOKIE")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("This is a plugin for Terraform"));
}

/// `plugin.GRPCController/Shutdown` with an empty message, over HTTP/2 in the clear.
async fn shut_down(socket: &str) -> Result<(), tonic::Status> {
    let socket = socket.to_owned();
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move {
            UnixStream::connect(socket)
                .await
                .map(hyper_util::rt::TokioIo::new)
        }
    });
    let endpoint = tonic::transport::Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path =
        tonic::codegen::http::uri::PathAndQuery::from_static("/plugin.GRPCController/Shutdown");
    client
        .unary(tonic::Request::new(()), path, codec)
        .await
        .map(drop)
}

#[tokio::test]
async fn w11_shutdown_is_answered_at_once_and_the_process_goes() {
    let mut plugin = Plugin::start(None);
    shut_down(plugin.socket()).await.unwrap();
    plugin.assert_goes();
}

/// The provider is in the middle of a create that never ends by itself: Shutdown is answered all the same.
#[tokio::test]
async fn w12_shutdown_waits_for_nothing() {
    let core = crate::driver::unruly().await;
    let deaf = thing(json!({ "breaks": "deaf" }));
    let mut slot = None;
    {
        let mut create = std::pin::pin!(core.converge("unruly_thing", &mut slot, &deaf));
        let while_deaf = tokio::time::timeout(Duration::from_millis(300), &mut create).await;
        assert!(while_deaf.is_err(), "it never ends by itself");
    }
    assert!(core.shutdown().await.unwrap(), "it went in time, and well");
}

#[test]
fn w13_five_megabytes_travel_both_ways() {
    let workspace = Workspace::new(
        r#"
        resource "files_note" "large" {
          name  = "large"
          lines = [file("large.txt")]
        }
        "#,
    );
    let large = "0123456789".repeat(512 << 10);
    std::fs::write(workspace.path("config/large.txt"), large).unwrap();
    workspace.apply().succeeded();
    let state = workspace.attributes("files_note", "large");
    assert_eq!(state["lines"][0].as_str().unwrap().len(), 5 << 20);
}

#[tokio::test]
async fn w14_trouble_is_told_through_diagnostics() {
    let core = Core::start(quiet(unruly())).await.unwrap();
    let config = thing(json!({}));
    let early = core.plan("unruly_thing", None, Some(&config)).await;
    assert_refused(&early.unwrap_err(), "before it was configured");
    let stored = tfcore::Instance::stored("unruly_thing", 0, json!({ "typo": 1 }));
    let unreadable = core.upgrade_state(&stored).await;
    assert_refused(&unreadable.unwrap_err(), "typo");
}

#[tokio::test]
async fn w23_without_connections_it_goes_by_itself() {
    let core = core_certificate();
    let mut plugin = Plugin::start(Some(&core.0));
    connect(&plugin, Some(&core)).await.unwrap();
    assert!(
        plugin.exits_within(Duration::from_secs(1)).is_none(),
        "core may reconnect"
    );
    plugin.assert_goes();
}
