//! An engine behind TLS whose certificate only a private authority vouches for.

use crate::authority::Authority;
use crate::node::{Node, settings};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use search::{Index, SearchError, Settings};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;

/// A front that takes the encryption off and hands everything on to `engine`, as a host and port. Gives its address.
async fn front(authority: &Authority, engine: String) -> String {
    let chain = CertificateDer::pem_slice_iter(authority.certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .expect("certificates");
    let key = PrivateKeyDer::from_pem_slice(authority.key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate of its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("https://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, engine) = (acceptor.clone(), engine.clone());
            tokio::spawn(async move {
                // Who does not believe the certificate goes away here.
                let mut client = acceptor.accept(client).await?;
                let mut engine = TcpStream::connect(engine).await?;
                tokio::io::copy_bidirectional(&mut client, &mut engine).await
            });
        }
    });
    address
}

fn trusting(address: &str, authority: Option<&Authority>) -> Index {
    Index::new(Settings {
        ca_pem: authority.map(|authority| authority.pem.clone()),
        ..settings(address)
    })
    .expect("an index")
}

#[tokio::test]
async fn an_engine_is_believed_whose_authority_is_named_and_no_other() {
    let node = Node::empty().await;
    let engine = node
        .address
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let authority = Authority::new();
    let address = front(&authority, engine.to_owned()).await;
    let index = trusting(&address, Some(&authority));
    index.prepare().await.expect("an engine behind TLS");
    assert!(index.health().await.expect("an engine").usable());

    for other in [None, Some(Authority::new())] {
        let refused = trusting(&address, other.as_ref()).health().await;
        let Err(refused @ SearchError::Unavailable { .. }) = refused else {
            panic!("{refused:?}");
        };
        let words = refused.to_string();
        assert!(
            words.starts_with("SLW-601: ") && words.contains("certificate"),
            "{words}"
        );
    }
}
