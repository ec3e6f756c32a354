//! Virtual servers.

use jiff::Timestamp;
use reqwest::Method;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::decode::{self, One, wrapped};
use crate::error::absent;
use crate::open_enum::open_enum;
use crate::settle::{self, Wanted};
use crate::{Client, Ensured, Error, Progress, Result, UserData, Wait};

/// A server. Nodes of clusters are servers too, and are made anew when they are deleted here.
#[derive(Debug, Clone, Deserialize)]
pub struct Instance {
    /// Id.
    pub id: String,
    /// Label; the API lets many servers share one.
    #[serde(deserialize_with = "decode::text")]
    pub label: String,
    /// Host name.
    #[serde(default, deserialize_with = "decode::text")]
    pub hostname: String,
    /// Region.
    pub region: String,
    /// Plan.
    pub plan: String,
    /// Public address; `0.0.0.0` until there is one.
    pub main_ip: String,
    /// Address inside the VPC; empty without one.
    #[serde(deserialize_with = "decode::text")]
    pub internal_ip: String,
    /// When it was made.
    pub date_created: Timestamp,
    /// State of the subscription.
    pub status: InstanceStatus,
    /// Whether it runs.
    pub power_status: PowerStatus,
    /// State of the server itself.
    pub server_status: ServerStatus,
    /// Number of the image.
    pub os_id: u32,
    /// Tags: the owner's mark among them.
    #[serde(deserialize_with = "decode::list")]
    pub tags: Vec<String>,
    /// Password of root, in the answer to the creation and for ten minutes after.
    #[serde(default, deserialize_with = "decode::secret")]
    pub default_password: Option<SecretString>,
    /// Address of the console; it holds a token.
    #[serde(default, deserialize_with = "decode::secret")]
    pub kvm: Option<SecretString>,
}

open_enum! {
    /// State of a subscription.
    InstanceStatus {
        /// Being made.
        Pending = "pending",
        /// Usable.
        Active = "active",
        /// Stopped by the vendor.
        Suspended = "suspended",
        /// Changing its plan.
        Resizing = "resizing",
    }
}

open_enum! {
    /// Whether a server runs.
    PowerStatus {
        /// On.
        Running = "running",
        /// Off.
        Stopped = "stopped",
    }
}

open_enum! {
    /// State of a server.
    ServerStatus {
        /// Nothing yet.
        None = "none",
        /// In the middle of something.
        Locked = "locked",
        /// Its image is being installed.
        InstallingBooting = "installingbooting",
        /// Usable.
        Ok = "ok",
    }
}

wrapped!(Instance, "instance", "instances");

impl Instance {
    /// Whether the server is up. What its first boot still does is another question, to be asked on the server.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.status == InstanceStatus::Active
            && self.power_status == PowerStatus::Running
            && self.server_status == ServerStatus::Ok
    }

    /// Whether it carries a tag exactly.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|one| one == tag)
    }
}

/// What a server is made from.
#[derive(Debug, Clone, Serialize)]
pub struct CreateInstance {
    /// Region, never to change.
    pub region: String,
    /// Plan.
    pub plan: String,
    /// Number of the image.
    pub os_id: u32,
    /// Label: the owner's mark and the server's role.
    pub label: String,
    /// Host name.
    pub hostname: String,
    /// Tags: the owner's mark among them.
    pub tags: Vec<String>,
    /// User data for the first boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_data: Option<UserData>,
    /// Ids of SSH keys for the first boot.
    pub sshkey_id: Vec<String>,
    /// Networks.
    pub attach_vpc: Vec<String>,
    /// Whether it also gets an IPv6 address.
    pub enable_ipv6: bool,
    /// Daily backups, at a price.
    #[serde(serialize_with = "enabled")]
    pub backups: bool,
    /// Whether the account's owner gets a mail.
    pub activation_email: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the signature that serde asks for
fn enabled<S: serde::Serializer>(on: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *on { "enabled" } else { "disabled" })
}

/// Which servers to list.
#[derive(Debug, Clone, Copy)]
pub enum InstanceFilter<'a> {
    /// All of them.
    All,
    /// Those that carry this tag exactly.
    Tag(&'a str),
    /// Those of exactly this label.
    Label(&'a str),
}

impl InstanceFilter<'_> {
    fn admits(self, instance: &Instance) -> bool {
        match self {
            Self::All => true,
            Self::Tag(tag) => instance.has_tag(tag),
            Self::Label(label) => instance.label == label,
        }
    }
}

impl Client {
    /// The servers that a filter admits. What the API finds is held against the filter once more: its matching is not
    /// promised to be exact.
    pub async fn instances(&self, filter: InstanceFilter<'_>) -> Result<Vec<Instance>> {
        let query: &[(&str, &str)] = match filter {
            InstanceFilter::All => &[],
            InstanceFilter::Tag(tag) => &[("tag", tag)],
            InstanceFilter::Label(label) => &[("label", label)],
        };
        let mut found: Vec<Instance> = self.list_where(&["instances"], query).await?;
        found.retain(|instance| filter.admits(instance));
        Ok(found)
    }

    /// One server.
    pub async fn instance(&self, id: &str) -> Result<Option<Instance>> {
        let request = self.request(Method::GET, &["instances", id])?;
        let found = absent(self.fetch::<One<Instance>>(request).await)?;
        Ok(found.map(|One(instance)| instance))
    }

    /// Makes a server. [`Error::Unanswered`] leaves open whether there is one now.
    pub async fn create_instance(&self, wanted: &CreateInstance) -> Result<Instance> {
        let request = self.request(Method::POST, &["instances"])?.json(wanted)?;
        let One(instance) = self.fetch(request).await?;
        Ok(instance)
    }

    /// The server of exactly the wanted label and with all wanted tags, made if there is none.
    pub async fn ensure_instance(&self, wanted: &CreateInstance) -> Result<Ensured<Instance>> {
        let look = || async {
            let mut found = self.instances(InstanceFilter::Label(&wanted.label)).await?;
            found.retain(|instance| wanted.tags.iter().all(|tag| instance.has_tag(tag)));
            Ok(found)
        };
        let target = Wanted {
            kind: "instance",
            mark: &wanted.label,
        };
        self.ensure(target, look, || self.create_instance(wanted))
            .await
    }

    /// Deletes a server; [`Error::Busy`] while it is locked.
    pub async fn delete_instance(&self, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &["instances", id])?;
        settle::deleted(self.perform(request).await, self.instance(id)).await
    }

    /// Deletes a server, waits while it is locked, and until it is proved gone.
    pub async fn delete_instance_for_good(&self, id: &str, wait: &Wait) -> Result<()> {
        wait.until(&format!("instance {id} to be gone"), || async {
            match self.delete_instance(id).await {
                Ok(()) => {}
                Err(error @ Error::Busy { .. }) => return Ok(Progress::NotYet(error.to_string())),
                Err(error) => return Err(error),
            }
            Ok(match self.instance(id).await? {
                Some(instance) => Progress::NotYet(instance.status.to_string()),
                None => Progress::Done(()),
            })
        })
        .await
    }

    /// Switches a server on.
    pub async fn start_instance(&self, id: &str) -> Result<()> {
        let request = self.request(Method::POST, &["instances", id, "start"])?;
        self.perform(request.repeatable()).await
    }

    /// Switches a server off; it goes on costing.
    pub async fn halt_instance(&self, id: &str) -> Result<()> {
        let request = self.request(Method::POST, &["instances", id, "halt"])?;
        self.perform(request.repeatable()).await
    }

    /// Switches a server off and on. [`Error::Unanswered`] leaves open whether it was.
    pub async fn reboot_instance(&self, id: &str) -> Result<()> {
        let request = self.request(Method::POST, &["instances", id, "reboot"])?;
        self.perform(request).await
    }

    /// Waits until a server is up and has an address.
    pub async fn instance_up(&self, id: &str, wait: &Wait) -> Result<Instance> {
        wait.until(&format!("instance {id} to be up"), || async {
            let Some(instance) = self.instance(id).await? else {
                return Ok(Progress::NotYet("no such instance".into()));
            };
            if instance.is_up() && instance.main_ip != "0.0.0.0" {
                return Ok(Progress::Done(instance));
            }
            Ok(Progress::NotYet(format!(
                "{}, {}, {}",
                instance.status, instance.power_status, instance.server_status
            )))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const INSTANCE: &str = r#"{"instance":{"id":"4f0f12e5","os":"Debian 12 x64 (bookworm)","ram":2048,"disk":55,"main_ip":"0.0.0.0","vcpu_count":1,"region":"ams","plan":"vc2-1c-2gb","date_created":"2026-07-07T22:57:01+00:00","status":"pending","allowed_bandwidth":2000,"netmask_v4":"","gateway_v4":"0.0.0.0","power_status":"running","server_status":"none","v6_network":"","v6_main_ip":"","v6_network_size":0,"label":"slipway:acme:bootstrap","internal_ip":"","kvm":"https://console?token=canary","hostname":"bootstrap","tag":"","tags":["slipway:acme","slipway-role:bootstrap"],"os_id":2136,"app_id":0,"image_id":"","snapshot_id":"","firewall_group_id":"","features":[],"user_scheme":"root","default_password":"canary","vpcs":[]}}"#;

    #[test]
    fn secrets_of_a_server_are_kept_and_not_shown() {
        let One(instance): One<Instance> = decode::read(INSTANCE.as_bytes()).unwrap();
        assert_eq!(
            instance.default_password.as_ref().unwrap().expose_secret(),
            "canary"
        );
        assert!(!format!("{instance:?}").contains("canary"));
        assert!(!instance.is_up());
    }

    #[test]
    fn a_server_is_up_when_all_three_states_say_so() {
        let up = INSTANCE
            .replace(r#""status":"pending""#, r#""status":"active""#)
            .replace(r#""server_status":"none""#, r#""server_status":"ok""#);
        let One(instance): One<Instance> = decode::read(up.as_bytes()).unwrap();
        assert!(instance.is_up());
        let stopped = up.replace("running", "stopped");
        let One(instance): One<Instance> = decode::read(stopped.as_bytes()).unwrap();
        assert!(!instance.is_up());
    }

    #[test]
    fn filters_are_exact() {
        let One(instance): One<Instance> = decode::read(INSTANCE.as_bytes()).unwrap();
        assert!(InstanceFilter::All.admits(&instance));
        assert!(InstanceFilter::Tag("slipway:acme").admits(&instance));
        assert!(!InstanceFilter::Tag("slipway:ac").admits(&instance));
        assert!(InstanceFilter::Label("slipway:acme:bootstrap").admits(&instance));
        assert!(!InstanceFilter::Label("slipway:acme").admits(&instance));
    }
}
