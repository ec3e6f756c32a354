//! The example's process as go-plugin meets it: handshake line, mutual TLS, shutdown, orphan.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::binary::provider_binary;

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
/// The start of every HTTP/2 connection, and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// A started provider; killed if a test forgets it.
struct Plugin {
    process: Child,
    fields: Vec<String>,
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
        let mut command = Command::new(provider_binary());
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
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let fields = line.trim_end().split('|').map(str::to_owned).collect();
        Self { process, fields }
    }

    fn socket(&self) -> &str {
        &self.fields[3]
    }

    fn certificate(&self) -> CertificateDer<'static> {
        STANDARD_NO_PAD.decode(&self.fields[5]).unwrap().into()
    }

    fn exits_within(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
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

/// Connects like core and returns the protocol agreed on and the server's first bytes of HTTP/2.
async fn connect(
    plugin: &Plugin,
    client: Option<&(Certificate, KeyPair)>,
) -> std::io::Result<(Option<Vec<u8>>, Vec<u8>)> {
    let mut roots = RootCertStore::empty();
    roots.add(plugin.certificate()).unwrap();
    let crypto = aws_lc_rs::default_provider();
    let keys = crypto.key_provider;
    let config = ClientConfig::builder_with_provider(Arc::new(crypto))
        .with_safe_default_protocol_versions()
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
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    // With TLS 1.3 the client is done before the server has looked at its certificate: only an answer counts.
    stream.write_all(PREFACE).await?;
    let mut answer = vec![0; 9];
    stream.read_exact(&mut answer).await?;
    Ok((protocol, answer))
}

const SETTINGS_FRAME: u8 = 4;

#[tokio::test]
async fn w05_w08_w09_core_is_let_in_by_its_certificate() {
    let core = core_certificate();
    let plugin = Plugin::start(Some(&core.0));
    assert_eq!(plugin.fields[..3], ["1", "6", "unix"]);
    assert_eq!(plugin.fields[4], "grpc");
    let (protocol, answer) = connect(&plugin, Some(&core)).await.unwrap();
    assert_eq!(protocol.as_deref(), Some(&b"h2"[..]));
    assert_eq!(answer[3], SETTINGS_FRAME);
}

#[tokio::test]
async fn w07_w08_nobody_else_is_let_in() {
    let core = core_certificate();
    let plugin = Plugin::start(Some(&core.0));
    assert!(
        connect(&plugin, None).await.is_err(),
        "without a certificate"
    );
    let stranger = core_certificate();
    assert!(
        connect(&plugin, Some(&stranger)).await.is_err(),
        "with another certificate"
    );
    let mut plain = UnixStream::connect(plugin.socket()).await.unwrap();
    plain.write_all(PREFACE).await.unwrap();
    let mut answer = [0; 9];
    let read = plain.read_exact(&mut answer).await;
    assert!(read.is_err() || answer[3] != SETTINGS_FRAME, "without TLS");
    assert!(
        connect(&plugin, Some(&core)).await.is_ok(),
        "and core still is"
    );
}

/// Terraform's own certificate with somebody else's key: the certificate is public, the signature is what counts.
#[tokio::test]
async fn w08_the_certificate_alone_is_not_enough() {
    let core = core_certificate();
    let plugin = Plugin::start(Some(&core.0));
    let thief = (core.0.clone(), core_certificate().1);
    assert!(connect(&plugin, Some(&thief)).await.is_err());
}

#[test]
fn w02_run_by_hand_it_says_what_it_is() {
    let output = Command::new(provider_binary())
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
    let socket = plugin.socket().to_owned();
    shut_down(&socket).await.unwrap();
    assert!(
        plugin.exits_within(Duration::from_secs(2)),
        "core kills after two seconds"
    );
    assert!(!Path::new(&socket).exists());
}

#[tokio::test]
async fn w23_without_connections_it_goes_by_itself() {
    let core = core_certificate();
    let mut plugin = Plugin::start(Some(&core.0));
    connect(&plugin, Some(&core)).await.unwrap();
    assert!(
        !plugin.exits_within(Duration::from_secs(1)),
        "core may reconnect"
    );
    assert!(plugin.exits_within(Duration::from_secs(30)));
}
