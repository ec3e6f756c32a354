//! An authority that nobody knows, as a company has one for its own servers.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// The authority with the one certificate that it gave: to whoever listens at 127.0.0.1.
pub(crate) struct Authority {
    /// Its own certificate, for whoever trusts it.
    pub(crate) pem: String,
    /// The server's.
    pub(crate) certificate: String,
    /// The server's key.
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let own_key = KeyPair::generate().expect("a key");
        let mut own = CertificateParams::new(Vec::new()).expect("no names");
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = own.self_signed(&own_key).expect("a certificate").pem();
        let issuer = Issuer::new(own, own_key);
        let key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address");
        let certificate = server.signed_by(&key, &issuer).expect("a certificate");
        Self {
            pem,
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
