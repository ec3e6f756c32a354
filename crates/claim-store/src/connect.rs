//! The S3 client: path style, bounded in time, TLS by rustls with aws-lc.

use crate::error::StoreError;
use crate::settings::Settings;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedHttpClient,
};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::ExposeSecret;

const READ_ATTEMPTS: u32 = 3;

pub(crate) fn client(settings: &Settings) -> Result<Client, StoreError> {
    let keys = Credentials::new(
        settings.access_key.expose_secret(),
        settings.secret_key.expose_secret(),
        None,
        None,
        "slipway",
    );
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(settings.limits.connect)
        .operation_attempt_timeout(settings.limits.attempt)
        .operation_timeout(settings.limits.operation)
        .build();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&settings.endpoint)
        .region(Region::new(settings.region.clone()))
        .force_path_style(true)
        .credentials_provider(keys)
        .http_client(http_client(settings)?)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(READ_ATTEMPTS))
        // Checksums beyond the signature's own are an AWS habit that other servers do not all share.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Ok(Client::from_conf(config))
}

fn http_client(settings: &Settings) -> Result<SharedHttpClient, StoreError> {
    let refuse = |why: String| StoreError::Settings {
        endpoint: settings.endpoint.clone(),
        why,
    };
    let builder = aws_smithy_http_client::Builder::new();
    if settings.endpoint.starts_with("http://") {
        return Ok(builder.build_http());
    }
    if !settings.endpoint.starts_with("https://") {
        return Err(refuse(
            "the endpoint must start with http:// or https://".to_owned(),
        ));
    }
    let trust = match &settings.ca_pem {
        // Only this authority then: whoever names one does not want the machine's hundred others to count too.
        Some(pem) => {
            TrustStore::empty().with_pem_certificate(checked_authority(pem).map_err(refuse)?)
        }
        None => TrustStore::default(),
    };
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| refuse(format!("TLS cannot be set up: {error}")))?;
    Ok(builder
        .tls_provider(Provider::rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .build_https())
}

/// The client would panic later on what is no certificate.
fn checked_authority(pem: &str) -> Result<&[u8], String> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("the certificate authority is not PEM: {error}"))?;
    let looks_like_x509 = |der: &CertificateDer<'_>| der.first() == Some(&0x30) && der.len() > 64;
    if certificates.is_empty() || !certificates.iter().all(looks_like_x509) {
        return Err("the certificate authority holds no certificate".to_owned());
    }
    Ok(pem.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Limits;

    fn settings(endpoint: &str, ca_pem: Option<&str>) -> Settings {
        Settings {
            endpoint: endpoint.into(),
            region: "us-east-1".into(),
            bucket: "environments".into(),
            access_key: "canary-access".into(),
            secret_key: "canary-secret".into(),
            ca_pem: ca_pem.map(str::to_owned),
            limits: Limits::default(),
        }
    }

    #[test]
    fn odd_endpoints_and_authorities_are_refused() {
        for endpoint in ["", "127.0.0.1:9000", "ftp://x"] {
            assert!(
                matches!(
                    client(&settings(endpoint, None)),
                    Err(StoreError::Settings { .. })
                ),
                "{endpoint}"
            );
        }
        let cut = "-----BEGIN CERTIFICATE-----\nMIIB";
        let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for ca in ["", "no pem", cut, hollow] {
            assert!(client(&settings("https://x", Some(ca))).is_err(), "{ca}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let settings = settings("http://127.0.0.1:9000", None);
        let store = crate::ClaimStore::new(&settings).unwrap();
        let shown = format!("{settings:?} {store:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}
