//! A provider is started as core starts it: environment, one line, mutual TLS.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);
/// Core waits as long for the line.
const SLOWEST_START: Duration = Duration::from_mins(1);

/// Why a provider cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The binary does not run.
    #[error("cannot run the provider: {0}")]
    Run(#[source] io::Error),
    /// It printed no line in time, or one that is none.
    #[error("the provider printed no handshake line but {0:?}")]
    Line(String),
    /// Its certificate or ours is refused.
    #[error("no TLS with the provider: {0}")]
    Tls(#[from] rustls::Error),
    /// Our certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// It does not answer.
    #[error("cannot connect to the provider: {0}")]
    Connect(#[from] tonic::transport::Error),
}

/// Starts the provider and connects to it.
pub(crate) async fn start(command: std::process::Command) -> Result<(Child, Channel), StartError> {
    let (pem, certificate, key) = own_certificate()?;
    let mut command = Command::from(command);
    command
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
        .env("PLUGIN_CLIENT_CERT", pem)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(StartError::Run)?;
    let line = first_line(&mut child).await?;
    let (socket, server) = parsed(&line).ok_or(StartError::Line(line))?;
    let tls = Arc::new(tls(server, certificate, key)?);
    let connector = tower::service_fn(move |_| {
        let (socket, connector) = (socket.clone(), TlsConnector::from(Arc::clone(&tls)));
        async move {
            let stream = UnixStream::connect(socket).await?;
            let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
            connector.connect(name, stream).await.map(TokioIo::new)
        }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await?;
    Ok((child, channel))
}

/// The line, with the rest of stdout read and thrown away as core does.
async fn first_line(child: &mut Child) -> Result<String, StartError> {
    let Some(stdout) = child.stdout.take() else {
        return Err(StartError::Line(String::new()));
    };
    let mut lines = BufReader::new(stdout).lines();
    let line = tokio::time::timeout(SLOWEST_START, lines.next_line()).await;
    let Ok(Ok(Some(line))) = line else {
        return Err(StartError::Line(String::new()));
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(line)
}

/// The socket and the certificate of a handshake line.
fn parsed(line: &str) -> Option<(String, CertificateDer<'static>)> {
    let fields: Vec<&str> = line.trim_end().split('|').collect();
    let ["1", "6", "unix", socket, "grpc", certificate, ..] = fields[..] else {
        return None;
    };
    let certificate = STANDARD_NO_PAD.decode(certificate).ok()?;
    Some((socket.to_owned(), certificate.into()))
}

/// A certificate of the kind that core makes: ECDSA P-521, self-signed, marked as a CA.
fn own_certificate()
-> Result<(String, CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512)?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok((certificate.pem(), certificate.der().clone(), key))
}

fn tls(
    server: CertificateDer<'static>,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(server)?;
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}
