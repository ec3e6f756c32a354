//! The playbooks tree: the one that both binaries carry, or another that somebody named.

use crate::canonical::{sha256_hex, sha256_of_json};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Component;

/// Path and contents of every file of this build. Listed by `build.rs`.
static EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/playbooks.rs"));

/// The files of a playbooks tree, by path below its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    files: BTreeMap<Cow<'static, str>, Cow<'static, [u8]>>,
}

impl Bundle {
    /// The tree that this binary carries.
    #[must_use]
    pub fn embedded() -> Self {
        let borrow = |(path, contents): &(&'static str, &'static [u8])| {
            (Cow::from(*path), Cow::from(*contents))
        };
        Self {
            files: EMBEDDED.iter().map(borrow).collect(),
        }
    }

    /// A tree that was read from somewhere else.
    #[must_use]
    pub fn from_files(files: BTreeMap<String, Vec<u8>>) -> Self {
        let own = |(path, contents): (String, Vec<u8>)| (Cow::from(path), Cow::from(contents));
        Self {
            files: files.into_iter().map(own).collect(),
        }
    }

    /// A tree out of a `tar.gz` such as [`Bundle::archive`] makes. A path that leads out of the tree is refused.
    pub fn unpack(archive: impl io::Read) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(GzDecoder::new(archive)).entries()? {
            let mut entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = entry.path()?.into_owned();
            let inside = path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            let Some(name) = path.to_str().filter(|_| inside) else {
                return Err(io::Error::other(format!(
                    "it holds the path {}",
                    path.display()
                )));
            };
            let mut contents = Vec::new();
            entry.read_to_end(&mut contents)?;
            files.insert(name.to_owned(), contents);
        }
        Ok(Self::from_files(files))
    }

    /// The contents of one file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(AsRef::as_ref)
    }

    /// Every file, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(path, contents)| (path.as_ref(), contents.as_ref()))
    }

    /// The files below a folder.
    pub(crate) fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &[u8])> {
        self.files().filter(move |(path, _)| {
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// SHA-256 over paths and contents. The archive's bytes depend on the compressor, this does not.
    #[must_use]
    pub fn digest(&self) -> String {
        digest_of(self.files())
    }

    /// The tree as a `tar.gz`.
    pub fn archive(&self) -> io::Result<Vec<u8>> {
        pack(self.files())
    }
}

pub(crate) fn digest_of<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let listing: Map<String, Value> = files
        .map(|(path, contents)| (path.to_owned(), Value::from(sha256_hex(contents))))
        .collect();
    sha256_of_json(&Value::Object(listing))
}

/// Files as a `tar.gz` that is the same for the same files: no times, no owners, one mode.
pub fn pack<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, path, contents)?;
    }
    tar.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(files: &[(&str, &str)]) -> Bundle {
        Bundle::from_files(
            files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
                .collect(),
        )
    }

    #[test]
    fn no_embedded_file_is_hidden_or_a_cache() {
        for (path, _) in Bundle::embedded().files() {
            assert!(
                !path
                    .split('/')
                    .any(|part| part.starts_with('.') || part == "__pycache__"),
                "{path}"
            );
        }
        assert!(Bundle::embedded().file("components.yaml").is_some());
    }

    #[test]
    fn the_archive_holds_the_files_and_nothing_of_its_maker() {
        let embedded = Bundle::embedded();
        let packed = embedded.archive().unwrap();
        assert_eq!(packed, embedded.archive().unwrap());
        assert_eq!(Bundle::unpack(packed.as_slice()).unwrap(), embedded);
        let mut tar = tar::Archive::new(GzDecoder::new(packed.as_slice()));
        let mut unpacked = BTreeMap::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            let (mtime, uid, mode) = (
                header.mtime().unwrap(),
                header.uid().unwrap(),
                header.mode().unwrap(),
            );
            assert_eq!((mtime, uid, mode), (0, 0, 0o644));
            let path = entry.path().unwrap().display().to_string();
            let mut contents = Vec::new();
            entry.read_to_end(&mut contents).unwrap();
            unpacked.insert(path, contents);
        }
        assert_eq!(Bundle::from_files(unpacked), embedded);
    }

    #[test]
    fn the_digest_moves_with_a_name_and_with_a_byte() {
        let digest = bundle(&[("a", "1")]).digest();
        assert_ne!(digest, bundle(&[("b", "1")]).digest());
        assert_ne!(digest, bundle(&[("a", "2")]).digest());
        assert_eq!(digest, bundle(&[("a", "1")]).digest());
    }
}
