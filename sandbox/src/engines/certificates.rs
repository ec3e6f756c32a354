//! The certificates of one cluster, made as the vendor's control plane has them: a CA of the cluster's own, client
//! certificates for each component, one for the administrator.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

/// The files that the control plane's programs read.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) ca: PathBuf,
    pub(crate) ca_key: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) server_key: PathBuf,
    pub(crate) service_account: PathBuf,
    pub(crate) service_account_key: PathBuf,
}

/// A certificate authority that signs for one cluster.
pub(crate) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    key: String,
}

/// A certificate and its key, PEM.
pub(crate) struct Client {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(cluster: &str) -> Result<Self> {
        let mut params = parameters(&[("CN", &format!("{cluster} authority"))])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        let key_pair = KeyPair::generate()?;
        let certificate = params.self_signed(&key_pair)?;
        let key = key_pair.serialize_pem();
        Ok(Self {
            certificate,
            issuer: Issuer::new(params, key_pair),
            key,
        })
    }

    pub(crate) fn certificate(&self) -> String {
        self.certificate.pem()
    }

    /// A client certificate; the groups are what Kubernetes reads from the organization.
    pub(crate) fn client(&self, user: &str, group: Option<&str>) -> Result<Client> {
        let mut names = vec![("CN", user)];
        names.extend(group.map(|group| ("O", group)));
        let mut params = parameters(&names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key_pair = KeyPair::generate()?;
        Ok(Client {
            certificate: params.signed_by(&key_pair, &self.issuer)?.pem(),
            key: key_pair.serialize_pem(),
        })
    }

    /// The certificate of a server that is called `who`.
    pub(crate) fn server(
        &self,
        who: &str,
        addresses: &[Ipv4Addr],
        names: &[&str],
    ) -> Result<Client> {
        let mut params = parameters(&[("CN", who)])?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for address in addresses {
            params
                .subject_alt_names
                .push(SanType::IpAddress(IpAddr::V4(*address)));
        }
        for name in names {
            params
                .subject_alt_names
                .push(SanType::DnsName((*name).try_into()?));
        }
        let key_pair = KeyPair::generate()?;
        Ok(Client {
            certificate: params.signed_by(&key_pair, &self.issuer)?.pem(),
            key: key_pair.serialize_pem(),
        })
    }

    /// Writes what the programs of the control plane read into `folder`.
    pub(crate) fn write(
        &self,
        folder: &Path,
        addresses: &[Ipv4Addr],
        endpoint: &str,
    ) -> Result<Files> {
        let server = self.server(
            "kube-apiserver",
            addresses,
            &[
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local",
                "localhost",
                endpoint,
            ],
        )?;
        let service_account = KeyPair::generate()?;
        fs::create_dir_all(folder)?;
        let file = |name: &str, text: &str| -> Result<PathBuf> {
            let path = folder.join(name);
            write_private(&path, text.as_bytes())?;
            Ok(path)
        };
        Ok(Files {
            ca: file("ca.crt", &self.certificate())?,
            ca_key: file("ca.key", &self.key)?,
            server: file("server.crt", &server.certificate)?,
            server_key: file("server.key", &server.key)?,
            service_account: file("service-account.pub", &service_account.public_key_pem())?,
            service_account_key: file("service-account.key", &service_account.serialize_pem())?,
        })
    }
}

/// Writes a file that its owner alone may read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, content))
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// A certificate of one year, as the vendor issues them, with a day's room for clocks that differ.
fn parameters(names: &[(&str, &str)]) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in names {
        let kind = if *kind == "O" {
            DnType::OrganizationName
        } else {
            DnType::CommonName
        };
        params.distinguished_name.push(kind, *value);
    }
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let (year, month, day) = ymd(today.checked_sub(1.day())?)?;
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = ymd(today.checked_add(1.year())?)?;
    params.not_after = date_time_ymd(year, month, day);
    Ok(params)
}

fn ymd(date: Date) -> Result<(i32, u8, u8)> {
    Ok((
        date.year().into(),
        date.month().try_into()?,
        date.day().try_into()?,
    ))
}
