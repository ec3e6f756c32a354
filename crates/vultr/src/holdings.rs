//! Kinds of objects that are only listed and removed here, so that a proof that nothing is left looks at all of them.

use reqwest::Method;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::decode::{self, Unpaged, wrapped};
use crate::error::absent;
use crate::settle;
use crate::{Client, Result};

/// An object of one of these kinds, as far as a proof reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Holding {
    /// Id.
    pub id: String,
    /// Region; empty for kinds that have none.
    #[serde(default, deserialize_with = "decode::text")]
    pub region: String,
    #[serde(default, deserialize_with = "decode::text")]
    label: String,
    #[serde(default, deserialize_with = "decode::text")]
    name: String,
    #[serde(default, deserialize_with = "decode::text")]
    description: String,
    #[serde(default, deserialize_with = "decode::text")]
    tag: String,
    #[serde(default, deserialize_with = "decode::list")]
    tags: Vec<String>,
    #[serde(default, deserialize_with = "decode::object")]
    billing: Option<Billing>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Billing {
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    monthly: Option<Decimal>,
}

impl Holding {
    /// Its label, name or description: each kind has one of them.
    #[must_use]
    pub fn called(&self) -> &str {
        [&self.label, &self.name, &self.description]
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or("", String::as_str)
    }

    /// Every text in which an owner may have left a mark.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let own = [&self.label, &self.name, &self.description, &self.tag];
        own.into_iter().chain(&self.tags).map(String::as_str)
    }

    /// Price of a month in US dollars, where the API tells one with the object.
    #[must_use]
    pub fn monthly(&self) -> Option<Decimal> {
        self.billing.as_ref().and_then(|billing| billing.monthly)
    }
}

macro_rules! kinds {
    ($($kind:ident = $name:literal, $path:expr, $key:literal;)*) => {
        /// A kind of object that stands in a list of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum HoldingKind {
            $(#[doc = $name] $kind,)*
        }

        impl HoldingKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The kind in words.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The path of its list below `/v2`.
            #[must_use]
            pub fn path(self) -> &'static [&'static str] {
                match self { $(Self::$kind => &$path,)* }
            }
        }

        impl Client {
            /// Every object of a kind.
            pub async fn holdings(&self, kind: HoldingKind) -> Result<Vec<Holding>> {
                match kind {
                    $(HoldingKind::$kind => {
                        let list = self.list::<list::$kind>(kind.path()).await?;
                        Ok(list.into_iter().map(|one| one.0).collect())
                    })*
                }
            }
        }

        /// One type a kind: what a list is wrapped in belongs to the type.
        mod list {
            $(
                #[derive(serde::Deserialize)]
                #[serde(transparent)]
                pub(super) struct $kind(pub(super) super::Holding);

                impl crate::decode::Wrapped for $kind {
                    const ONE: &'static str = $key;
                    const MANY: &'static str = $key;
                }
            )*
        }
    };
}

kinds! {
    BareMetal = "bare metal server", ["bare-metals"], "bare_metals";
    BlockSnapshot = "volume snapshot", ["blocks", "snapshots"], "snapshots";
    FileSystem = "file system", ["vfs"], "vfs";
    FirewallGroup = "firewall group", ["firewalls"], "firewall_groups";
    ObjectStorage = "object storage", ["object-storage"], "object_storages";
    ReservedIp = "reserved IP", ["reserved-ips"], "reserved_ips";
    Snapshot = "snapshot", ["snapshots"], "snapshots";
    SshKey = "SSH key", ["ssh-keys"], "ssh_keys";
    StartupScript = "startup script", ["startup-scripts"], "startup_scripts";
}

/// Something that has a file system mounted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FileSystemAttachment {
    /// Id of the server.
    pub target_id: String,
}

impl decode::Wrapped for FileSystemAttachment {
    const ONE: &'static str = "attachment";
    const MANY: &'static str = "attachments";
}

/// A gateway through which servers without a public address reach the internet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
struct NatGateway(Holding);

impl decode::Wrapped for NatGateway {
    const ONE: &'static str = "nat_gateway";
    const MANY: &'static str = "nat_gateways";
}

wrapped!(Holding, "holding", "holdings");

impl Client {
    /// The gateways of a network; none when there is no such network.
    pub async fn nat_gateways(&self, vpc: &str) -> Result<Vec<Holding>> {
        let path = ["vpcs", vpc, "nat-gateway"];
        let list = absent(self.list::<NatGateway>(&path).await)?.unwrap_or_default();
        Ok(list.into_iter().map(|one| one.0).collect())
    }

    /// The servers that have a file system mounted; none when there is no such file system.
    pub async fn file_system_attachments(&self, id: &str) -> Result<Vec<FileSystemAttachment>> {
        let request = self.request(Method::GET, &["vfs", id, "attachments"])?;
        let list = absent(self.fetch::<Unpaged<FileSystemAttachment>>(request).await)?;
        Ok(list.map_or_else(Vec::new, |Unpaged(list)| list))
    }

    /// One file system. The API does not wrap it.
    pub async fn file_system(&self, id: &str) -> Result<Option<Holding>> {
        let request = self.request(Method::GET, &["vfs", id])?;
        absent(self.fetch(request).await)
    }

    /// Takes a file system from a server; one that does not have it is no error.
    pub async fn detach_file_system(&self, id: &str, server: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &["vfs", id, "attachments", server])?;
        absent(self.perform(request).await).map(drop)
    }

    /// Deletes a file system with its data.
    pub async fn delete_file_system(&self, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &["vfs", id])?;
        settle::deleted(self.perform(request).await, self.file_system(id)).await
    }

    /// The address of what lies below a path, for people who call the API by hand. Nothing if an id is empty.
    #[must_use]
    pub fn address_of(&self, segments: &[&str]) -> Option<String> {
        self.address().join(segments).map(String::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_tells_its_name_tags_and_price() {
        let body = r#"{"id":"f1","region":"ams","date_created":"2026-07-07T22:57:01+00:00","status":"active","label":"pvc-0123456789abcdef","tags":["slipway:acme"],"disk_type":"nvme","storage_size":{"bytes":10,"gb":10},"storage_used":{"bytes":0,"gb":0},"billing":{"charges":0.02,"monthly":1.00}}"#;
        let holding: Holding = decode::read(body.as_bytes()).unwrap();
        assert_eq!(holding.called(), "pvc-0123456789abcdef");
        assert!(holding.texts().any(|text| text == "slipway:acme"));
        assert_eq!(holding.monthly().unwrap().to_string(), "1.00");
    }

    #[test]
    fn kinds_that_call_their_text_otherwise_and_spell_nothing_as_php_are_read() {
        for (body, called) in [
            (
                r#"{"id":"1","name":"key","ssh_key":"ssh-ed25519 AAAA"}"#,
                "key",
            ),
            (
                r#"{"id":"2","description":"old","label":null,"tags":null,"billing":[]}"#,
                "old",
            ),
            (r#"{"id":"3","region":"ams"}"#, ""),
        ] {
            let holding: Holding = decode::read(body.as_bytes()).unwrap();
            assert_eq!(
                (holding.called(), holding.monthly()),
                (called, None),
                "{body}"
            );
        }
        assert!(decode::read::<Holding>(b"{}").is_err());
    }
}
