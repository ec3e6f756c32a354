//! Objects that come over from the vendor's own Terraform provider by `moved` blocks.
//!
//! Only ids and settings come over. The vendor's state of a cluster also holds its kubeconfig, certificates and key, and
//! nothing of those is ever read here.

use serde_json::Value as Json;
use tfplugin::{Diagnostics, MoveSource, Object};

use crate::fault::{self, Fault};

/// What the vendor's provider calls itself, on whatever registry.
const VENDOR: &str = "/vultr/vultr";

/// A kind of object that can come over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Cluster,
    NodePool,
    Vpc,
}

impl Source {
    /// The kind of a source; nothing if it is not the vendor's, or nothing that has a counterpart here.
    pub(crate) fn of(source: &MoveSource) -> Option<Self> {
        let known = source.provider.ends_with(VENDOR);
        match source.type_name.as_str() {
            "vultr_kubernetes" if known => Some(Self::Cluster),
            "vultr_kubernetes_node_pools" if known => Some(Self::NodePool),
            "vultr_vpc" if known => Some(Self::Vpc),
            _ => None,
        }
    }

    /// The newest version of the vendor's schema that is known.
    fn newest_version(self) -> i64 {
        match self {
            Self::Cluster | Self::NodePool => 1,
            Self::Vpc => 0,
        }
    }
}

/// The state of a source, of a version that is known.
pub(crate) struct Stored<'a>(&'a Json);

impl<'a> Stored<'a> {
    /// Reads a source.
    pub(crate) fn read(kind: Source, source: &'a MoveSource) -> Result<Self, Diagnostics> {
        if source.schema_version > kind.newest_version() {
            return Err(Fault::new(
                fault::BAD_IMPORT,
                format!(
                    "The state of this {} has version {} of the vendor's schema, and versions up to {} are known here. Remove the moved block, and import the object.",
                    source.type_name,
                    source.schema_version,
                    kind.newest_version()
                ),
            )
            .into());
        }
        Ok(Self(&source.state))
    }

    /// A text that is set.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A text without which there is nothing to take over.
    pub(crate) fn required(&self, name: &str) -> Result<&'a str, Diagnostics> {
        Ok(self.text(name).ok_or_else(|| {
            Fault::new(
                fault::BAD_IMPORT,
                format!("The vendor's state of the object that moves here has no {name}. Remove the moved block, and import the object."),
            )
        })?)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }
}

/// A node pool that comes over: everything else is read from the account.
pub(crate) fn node_pool(source: &MoveSource) -> Result<Option<Object>, Diagnostics> {
    let Some(kind @ Source::NodePool) = Source::of(source) else {
        return Ok(None);
    };
    let stored = Stored::read(kind, source)?;
    Ok(Some(
        Object::new()
            .with("id", stored.required("id")?)
            .with("cluster_id", stored.required("cluster_id")?),
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn source(provider: &str, type_name: &str, version: i64, state: Json) -> MoveSource {
        MoveSource::new(provider, type_name, version, state)
    }

    #[test]
    fn only_the_vendors_objects_come_over() {
        for (provider, type_name, kind) in [
            (
                "registry.terraform.io/vultr/vultr",
                "vultr_kubernetes",
                Some(Source::Cluster),
            ),
            (
                "registry.opentofu.org/vultr/vultr",
                "vultr_vpc",
                Some(Source::Vpc),
            ),
            ("registry.terraform.io/vultr/vultr", "vultr_vpc2", None),
            ("registry.terraform.io/vultr/vultr", "vultr_instance", None),
            ("registry.terraform.io/acme/vultr", "vultr_kubernetes", None),
            ("registry.terraform.io/notvultr/vultr", "vultr_vpc", None),
        ] {
            let source = source(provider, type_name, 0, json!({}));
            assert_eq!(Source::of(&source), kind, "{provider} {type_name}");
        }
    }

    #[test]
    fn a_pool_comes_over_by_its_ids_and_a_newer_schema_is_refused() {
        let state = json!({"id": "p1", "cluster_id": "c1", "label": "workers", "plan": "vc2-2c-4gb", "node_quantity": 3});
        let vendor = "registry.terraform.io/vultr/vultr";
        let kind = "vultr_kubernetes_node_pools";
        let pool = node_pool(&source(vendor, kind, 1, state.clone()))
            .unwrap()
            .unwrap();
        assert_eq!(pool.value("id").as_str(), Some("p1"));
        assert_eq!(pool.value("cluster_id").as_str(), Some("c1"));
        let refused = node_pool(&source(vendor, kind, 2, state)).unwrap_err();
        assert!(refused.to_string().contains("SLW-127"), "{refused}");
        let refused = node_pool(&source(vendor, kind, 1, json!({"id": "p1"}))).unwrap_err();
        assert!(refused.to_string().contains("cluster_id"), "{refused}");
        assert!(
            node_pool(&source(vendor, "vultr_kubernetes", 1, json!({})))
                .unwrap()
                .is_none()
        );
    }
}
