//! The layers of an image: archives without times and owners.

use std::io::Write as _;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use crate::hex::hex;

/// Who the program runs as, by number and by name.
pub(super) const USER: u32 = 65532;
/// Where programs look for certificate authorities.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// A packed layer.
pub(super) struct Layer {
    /// What is in it, for the image's history.
    pub(super) about: String,
    pub(super) packed: Vec<u8>,
    /// Digest of the archive before it was packed, by which the image is put together.
    pub(super) contents: String,
}

/// What a digest looks like in an image.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// What every program finds around it. It is the same in all images of a version, so a node fetches it once.
pub(super) fn ground(licence: &str) -> Result<Layer> {
    let mut archive = Archive::new();
    for folder in [
        "etc",
        "etc/ssl",
        "etc/ssl/certs",
        "usr",
        "usr/share",
        "usr/share/doc",
        "usr/share/doc/slipway",
    ] {
        archive.folder(folder, 0o755)?;
    }
    archive.folder("tmp", 0o1777)?;
    archive.file(
        "etc/passwd",
        0o644,
        format!("nonroot:x:{USER}:{USER}::/:/sbin/nologin\n").as_bytes(),
    )?;
    archive.file(
        "etc/group",
        0o644,
        format!("nonroot:x:{USER}:\n").as_bytes(),
    )?;
    archive.file("etc/nsswitch.conf", 0o644, b"hosts: files dns\n")?;
    archive.file(AUTHORITIES, 0o644, authorities().as_bytes())?;
    archive.file("usr/share/doc/slipway/LICENSE", 0o644, licence.as_bytes())?;
    archive.close("certificate authorities, the user, the licence".to_owned())
}

/// The program, at the root.
pub(super) fn program(name: &str, bytes: &[u8]) -> Result<Layer> {
    let mut archive = Archive::new();
    archive.file(name, 0o755, bytes)?;
    archive.close(format!("the program {name}"))
}

/// Mozilla's authorities, as the version of a crate in our lock file has them: those of a machine change with the machine.
fn authorities() -> String {
    let mut bundle = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        bundle.push_str("-----BEGIN CERTIFICATE-----\n");
        let coded = STANDARD.encode(certificate);
        for line in coded.as_bytes().chunks(64) {
            bundle.push_str(&String::from_utf8_lossy(line));
            bundle.push('\n');
        }
        bundle.push_str("-----END CERTIFICATE-----\n");
    }
    bundle
}

struct Archive(Builder<Vec<u8>>);

impl Archive {
    fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    fn folder(&mut self, path: &str, mode: u32) -> Result<()> {
        self.add(&format!("{path}/"), EntryType::Directory, mode, &[])
    }

    fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
        self.add(path, EntryType::Regular, mode, bytes)
    }

    fn add(&mut self, path: &str, kind: EntryType, mode: u32, bytes: &[u8]) -> Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(bytes.len().try_into()?);
        self.0.append_data(&mut header, path, bytes)?;
        Ok(())
    }

    fn close(self, about: String) -> Result<Layer> {
        let archive = self.0.into_inner()?;
        // Neither a name nor a time stands in the head, and no system's letter.
        let mut packer = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(Vec::new(), Compression::best());
        packer.write_all(&archive)?;
        Ok(Layer {
            about,
            packed: packer.finish()?,
            contents: digest(&archive),
        })
    }
}
