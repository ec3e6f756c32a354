//! What `orphan` leaves behind, written down: a file of names and cloud ids, without any secret.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vultr::{Client, HoldingKind};

use super::standing::{Live, Standing, Unread};
use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::cloud;

/// How many digits of an environment's id its objects carry after its name.
const DIGITS: usize = 8;

/// The file.
#[derive(Debug, Serialize)]
pub(super) struct Handover {
    pub(super) platform: String,
    pub(super) written_at: Timestamp,
    pub(super) region: String,
    pub(super) cluster_id: Option<String>,
    pub(super) vpc_id: Option<String>,
    /// What stood in the claim store, or why that could not be read.
    pub(super) environments: Vec<Environment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unread: Option<String>,
    /// What stood there and is no readable claim.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) unreadable: Vec<Unread>,
    /// What `on_destroy` keeps of the platform itself.
    pub(super) kept: Vec<Thing>,
}

/// One environment that is left to its owner.
#[derive(Debug, Serialize)]
pub(super) struct Environment {
    name: String,
    owner: String,
    #[serde(rename = "type")]
    kind: String,
    pool: String,
    #[serde(rename = "static")]
    fixed: bool,
    key: String,
    etag: String,
    created: Timestamp,
    expires: Option<Timestamp>,
    cloud: Vec<Thing>,
}

/// An object of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Thing {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) label: String,
}

/// Where the file goes: the place that the user named, else the folder that Terraform runs in.
pub(super) fn path(platform: &PlatformId, wanted: Option<&str>) -> Result<PathBuf, Fault> {
    let file = wanted.map_or_else(
        || PathBuf::from(format!("slipway-handover-{platform}.json")),
        PathBuf::from,
    );
    std::path::absolute(&file).map_err(|error| cannot_write(&file, &error))
}

/// Whether the file is what an earlier run wrote of the same platform, on the same cluster.
pub(super) fn is_of(path: &Path, platform: &PlatformId, cluster: Option<&str>) -> bool {
    #[derive(Deserialize)]
    struct Of {
        platform: String,
        cluster_id: Option<String>,
    }
    let written = std::fs::read(path).ok();
    let of = written.and_then(|text| serde_json::from_slice::<Of>(&text).ok());
    of.is_some_and(|of| of.platform == platform.as_str() && of.cluster_id.as_deref() == cluster)
}

/// Writes the file whole or not at all.
pub(super) fn write(path: &Path, handover: &Handover) -> Result<(), Fault> {
    let failed = |error: std::io::Error| cannot_write(path, &error);
    let text = serde_json::to_string_pretty(handover).map_err(|error| failed(error.into()))?;
    let half = path.with_extension("json.part");
    std::fs::write(&half, text + "\n").map_err(failed)?;
    std::fs::rename(&half, path).map_err(failed)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(
        fault::HANDOVER_FAILED,
        format!(
            "on_destroy.environments = \"orphan\" writes what it leaves behind to {}, and that is not possible: {error}. Nothing was destroyed. Name another file in on_destroy.handover_file and apply that, or make room for this one.",
            path.display()
        ),
    )
}

/// The environments with what the account holds of each.
pub(super) async fn environments(
    client: &Client,
    standing: &Standing,
) -> Result<Vec<Environment>, Fault> {
    if standing.live.is_empty() {
        return Ok(Vec::new());
    }
    let things = things(client)
        .await
        .map_err(|error| cloud("listing what environments have in the account", &error))?;
    Ok(standing
        .live
        .iter()
        .map(|live| Environment {
            cloud: belonging(&live.name(), &things),
            ..Environment::from(live)
        })
        .collect())
}

impl Environment {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl From<&Live> for Environment {
    fn from(live: &Live) -> Self {
        let claim = &live.stored.claim;
        Self {
            name: live.name(),
            owner: claim.user.clone(),
            kind: claim.environment_type.to_string(),
            pool: claim.environment_pool.clone(),
            fixed: live.fixed,
            key: live.stored.place.key.clone(),
            etag: live.stored.place.etag.to_string(),
            created: claim.creation_date,
            expires: claim.expiration_date,
            cloud: Vec::new(),
        }
    }
}

/// Everything in the account that an environment may have by a label of its own.
async fn things(client: &Client) -> vultr::Result<Vec<Thing>> {
    let (clusters, vpcs, balancers, volumes, firewalls) = tokio::try_join!(
        client.clusters(),
        client.vpcs(),
        client.load_balancers(),
        client.blocks(),
        async {
            match client.holdings(HoldingKind::FirewallGroup).await {
                // A key without this permission made no firewall groups either.
                Err(error) if error.is_not_found() || error.is_access() => Ok(Vec::new()),
                listed => listed,
            }
        }
    )?;
    let mut things = Vec::new();
    let mut add = |kind, id: &str, label: &str| {
        things.push(Thing {
            kind,
            id: id.to_owned(),
            label: label.to_owned(),
        });
    };
    for one in &clusters {
        add("cluster", &one.id, &one.label);
    }
    for one in &vpcs {
        add("VPC", &one.id, &one.description);
    }
    for one in &balancers {
        add("load balancer", &one.id, &one.label);
    }
    for one in &volumes {
        add("volume", &one.id, &one.label);
    }
    for one in &firewalls {
        add(HoldingKind::FirewallGroup.name(), &one.id, one.called());
    }
    Ok(things)
}

/// What carries the label `<name>-<eight hexadecimal digits>`.
fn belonging(name: &str, things: &[Thing]) -> Vec<Thing> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let belongs = |label: &str| {
        label
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(is_hex))
    };
    things
        .iter()
        .filter(|thing| belongs(&thing.label))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::standing::tests::live;
    use super::*;

    fn thing(label: &str) -> Thing {
        Thing {
            kind: "cluster",
            id: label.to_uppercase(),
            label: label.to_owned(),
        }
    }

    #[test]
    fn an_environment_has_what_is_labelled_with_its_name_and_an_id() {
        let things = [
            "dev-x-0123abcd",
            "dev-x-y-0123abcd",
            "dev-x",
            "dev-x-0123abcg",
            "dev-x-0123abcde",
        ]
        .map(thing);
        assert_eq!(belonging("dev-x", &things), [thing("dev-x-0123abcd")]);
        assert_eq!(belonging("dev-x-y", &things), [thing("dev-x-y-0123abcd")]);
    }

    #[test]
    fn the_file_is_written_whole_and_says_who_owns_what() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("left.json");
        let handover = Handover {
            platform: "acme".into(),
            written_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            region: "ams".into(),
            cluster_id: Some("c1".into()),
            vpc_id: None,
            environments: vec![Environment::from(&live("dev-x", "dev", true))],
            unread: None,
            unreadable: vec![Unread {
                key: "odd.json".into(),
                why: "no JSON".into(),
            }],
            kept: vec![thing("pvc-1")],
        };
        let acme = PlatformId::parse("acme").unwrap();
        assert!(!is_of(&path, &acme, Some("c1")));
        write(&path, &handover).unwrap();
        assert!(is_of(&path, &acme, Some("c1")));
        assert!(!is_of(&path, &acme, Some("c2")) && !is_of(&path, &acme, None));
        let other = PlatformId::parse("other").unwrap();
        assert!(!is_of(&path, &other, Some("c1")));
        let read: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read["environments"][0]["owner"], "ann");
        assert_eq!(read["environments"][0]["static"], true);
        assert_eq!(read["kept"][0]["label"], "pvc-1");
        assert!(read.get("unread").is_none());
        assert_eq!(read["unreadable"][0]["key"], "odd.json");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let refused = write(&folder.path().join("no/such/place.json"), &handover).unwrap_err();
        assert_eq!(refused.code(), "SLW-457");
    }
}
