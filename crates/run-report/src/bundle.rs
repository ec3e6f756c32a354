//! The playbooks tree that both binaries carry.

use crate::canonical::{sha256_hex, sha256_of_json};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Map, Value};
use std::io;

/// Path and contents of every file, sorted by path. Listed at build time by `build.rs`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/playbooks.rs"));

/// Every file as path below the playbooks folder and contents, sorted by path.
#[must_use]
pub fn files() -> &'static [(&'static str, &'static [u8])] {
    FILES
}

/// The contents of one file.
#[must_use]
pub fn file(path: &str) -> Option<&'static [u8]> {
    FILES
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, contents)| *contents)
}

/// The files below a folder.
pub(crate) fn below(folder: &str) -> impl Iterator<Item = &'static (&'static str, &'static [u8])> {
    FILES.iter().filter(move |(name, _)| {
        name.strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// SHA-256 over paths and contents. The archive's bytes depend on the compressor, this does not.
#[must_use]
pub fn digest() -> String {
    digest_of(FILES.iter())
}

pub(crate) fn digest_of<'a>(files: impl Iterator<Item = &'a (&'a str, &'a [u8])>) -> String {
    let listing: Map<String, Value> = files
        .map(|(name, contents)| ((*name).to_owned(), Value::from(sha256_hex(contents))))
        .collect();
    sha256_of_json(&Value::Object(listing))
}

/// The tree as a `tar.gz` that is the same for the same files: no times, no owners, one mode.
pub fn archive() -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, contents) in FILES {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, name, *contents)?;
    }
    tar.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn files_are_sorted_and_none_is_hidden_or_a_cache() {
        assert!(FILES.is_sorted_by(|a, b| a.0 < b.0));
        for (name, _) in FILES {
            assert!(
                !name
                    .split('/')
                    .any(|part| part.starts_with('.') || part == "__pycache__"),
                "{name}"
            );
        }
        assert!(file("components.yaml").is_some());
    }

    #[test]
    fn the_archive_holds_the_files_and_nothing_of_its_maker() {
        let packed = archive().unwrap();
        assert_eq!(packed, archive().unwrap());
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let mut seen = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(
                (
                    header.mtime().unwrap(),
                    header.uid().unwrap(),
                    header.mode().unwrap()
                ),
                (0, 0, 0o644)
            );
            let name = entry.path().unwrap().display().to_string();
            let mut contents = Vec::new();
            entry.read_to_end(&mut contents).unwrap();
            assert_eq!(file(&name), Some(contents.as_slice()), "{name}");
            seen.push(name);
        }
        assert_eq!(
            seen,
            FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_digest_moves_with_a_name_and_with_a_byte() {
        let one: (&str, &[u8]) = ("a", b"1");
        let renamed: (&str, &[u8]) = ("b", b"1");
        let changed: (&str, &[u8]) = ("a", b"2");
        let digests = [one, renamed, changed].map(|file| digest_of([file].iter()));
        assert_ne!(digests[0], digests[1]);
        assert_ne!(digests[0], digests[2]);
    }
}
