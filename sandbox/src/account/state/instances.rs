//! Instances: hosts of the customer's own, and worker nodes.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};

use super::hosts::decode_user_data;
use super::ledger::Charge;
use super::networks::{Nic, RELEASE_OF_INSTANCE, VpcRequest};
use super::{Effect, State};
use crate::account::catalogue::{self, Image, Plan};
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// Time from the request to a running machine.
pub(super) const CREATION: SignedDuration = SignedDuration::from_secs(60);
/// Time from running to installed (`server_status` ok).
pub(super) const INSTALLATION: SignedDuration = SignedDuration::from_secs(60);
/// How long an instance is locked after a volume was attached or detached.
pub(super) const LOCK: SignedDuration = SignedDuration::from_secs(5);
/// How long the first password can be read.
const PASSWORD_SHOWN: SignedDuration = SignedDuration::from_mins(10);
/// Image of worker nodes.
const NODE_IMAGE: u64 = 2136;

/// Whether the machine has power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    Running,
    Stopped,
}

/// Which pool a node belongs to.
#[derive(Clone, Debug)]
pub(crate) struct NodeRole {
    pub(crate) cluster_id: String,
    pub(crate) pool_id: String,
    /// Build that it was made with.
    pub(crate) version: String,
    /// Whether it has no public address.
    pub(crate) vpc_only: bool,
    /// Whether new pods stay away from it.
    pub(crate) cordoned: bool,
}

/// An instance.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) hostname: String,
    pub(crate) region: String,
    pub(crate) plan: &'static Plan,
    pub(crate) image: Option<&'static Image>,
    pub(crate) tags: Vec<String>,
    pub(crate) features: Vec<&'static str>,
    pub(crate) firewall_group_id: String,
    pub(crate) user_scheme: String,
    /// As sent, base64. May hold one-time secrets.
    pub(crate) user_data: String,
    pub(crate) ssh_keys: Vec<String>,
    pub(crate) password: String,
    pub(crate) console_token: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) nics: Vec<Nic>,
    pub(crate) created: Timestamp,
    pub(crate) ready_at: Timestamp,
    pub(crate) active: bool,
    /// Whether the engines have booted it.
    pub(crate) booted: bool,
    pub(crate) power: Power,
    pub(crate) locked_until: Timestamp,
    pub(crate) node: Option<NodeRole>,
    pub(crate) trouble: Option<String>,
}

// User data, password and console token stay out of every log.
impl std::fmt::Debug for Instance {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Instance")
            .field("id", &self.id)
            .field("label", &self.label)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl Row for Instance {
    const UNKNOWN: (u16, &'static str) = (404, "instance not found");

    fn id(&self) -> &str {
        &self.id
    }
}

impl Instance {
    /// A machine that boots at `ready_at`.
    pub(super) fn new(
        id: String,
        region: String,
        plan: &'static Plan,
        created: Timestamp,
        ready_at: Timestamp,
        address: Ipv4Addr,
    ) -> Self {
        Self {
            id,
            label: String::new(),
            hostname: String::new(),
            region,
            plan,
            image: catalogue::image(NODE_IMAGE),
            tags: Vec::new(),
            features: Vec::new(),
            firewall_group_id: String::new(),
            user_scheme: "root".to_owned(),
            user_data: String::new(),
            ssh_keys: Vec::new(),
            password: String::new(),
            console_token: String::new(),
            address,
            nics: Vec::new(),
            created,
            ready_at,
            active: false,
            booted: false,
            power: Power::Running,
            locked_until: created,
            node: None,
            trouble: None,
        }
    }

    /// `none`, `installingbooting`, `locked` or `ok`.
    pub(crate) fn server_status(&self, now: Timestamp) -> &'static str {
        if !self.active {
            return "none";
        }
        if !self.booted || now < self.ready_at + INSTALLATION {
            return "installingbooting";
        }
        if now < self.locked_until {
            "locked"
        } else {
            "ok"
        }
    }

    /// Its public address, once it is up.
    pub(crate) fn public_address(&self) -> Option<Ipv4Addr> {
        let hidden = self.node.as_ref().is_some_and(|role| role.vpc_only);
        (self.active && !hidden).then_some(self.address)
    }

    /// Whether an engine runs it: a host of the customer's own that has been booted and has power.
    pub(super) fn runs_here(&self) -> bool {
        self.active && self.node.is_none() && self.power == Power::Running
    }

    /// The first password, as long as it is shown.
    pub(crate) fn visible_password(&self, now: Timestamp) -> &str {
        if now < self.created + PASSWORD_SHOWN {
            &self.password
        } else {
            ""
        }
    }
}

/// What `POST /instances` asks for.
#[derive(Clone, Default)]
pub(crate) struct InstanceRequest {
    pub(crate) region: String,
    pub(crate) plan: String,
    pub(crate) os_id: u64,
    pub(crate) label: String,
    pub(crate) hostname: String,
    pub(crate) tags: Vec<String>,
    pub(crate) user_data: String,
    pub(crate) ssh_key_ids: Vec<String>,
    pub(crate) attach_vpc: Vec<String>,
    pub(crate) enable_vpc: bool,
    pub(crate) features: Vec<&'static str>,
    pub(crate) firewall_group_id: String,
    pub(crate) user_scheme: Option<String>,
}

/// What `PATCH /instances/{id}` asks for; absent means unchanged.
#[derive(Clone, Default)]
pub(crate) struct InstanceChange {
    pub(crate) label: Option<String>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) plan: Option<String>,
    pub(crate) user_data: Option<String>,
    pub(crate) attach_vpc: Vec<String>,
    pub(crate) detach_vpc: Vec<String>,
    pub(crate) firewall_group_id: Option<String>,
}

impl State {
    /// Makes an instance.
    pub(crate) fn create_instance(
        &mut self,
        request: InstanceRequest,
    ) -> Result<&Instance, Refusal> {
        if catalogue::region(&request.region).is_none() {
            return Err(Refusal::invalid("Invalid region"));
        }
        let plan = self.check_stock(&request.region, &request.plan)?;
        if plan.disk_gb == 0 {
            return Err(Refusal::invalid("One or more block devices are required."));
        }
        let image = catalogue::image(request.os_id)
            .filter(|image| image.id > 1000)
            .ok_or_else(|| Refusal::invalid("Invalid os_id"))?;
        let ssh_keys = request
            .ssh_key_ids
            .iter()
            .map(|id| {
                self.ssh_keys
                    .get(id)
                    .map(|key| key.public_key.clone())
                    .ok_or_else(|| Refusal::invalid("Invalid ssh key"))
            })
            .collect::<Result<_, _>>()?;
        decode_user_data(&request.user_data)?;
        self.check_firewall(&request.firewall_group_id)?;
        self.check_quota(1)?;
        for vpc_id in &request.attach_vpc {
            self.check_vpc_of_region(vpc_id, &request.region)?;
        }

        let id = self.seeded.id();
        let address = self.addresses.host()?;
        let mut instance = Instance::new(
            id.clone(),
            request.region,
            plan,
            self.now,
            self.now + CREATION,
            address,
        );
        instance.hostname = if request.hostname.is_empty() {
            "vultr.guest".to_owned()
        } else {
            request.hostname
        };
        instance.image = Some(image);
        instance.label = request.label;
        instance.tags = request.tags;
        instance.user_data = request.user_data;
        instance.ssh_keys = ssh_keys;
        instance.firewall_group_id = request.firewall_group_id;
        instance.user_scheme = request.user_scheme.unwrap_or_else(|| "root".to_owned());
        instance.password = self.seeded.hex(16);
        instance.console_token = self.seeded.hex(32);
        instance.features = request.features;
        let mut networks = request.attach_vpc;
        if networks.is_empty() && request.enable_vpc {
            networks.push(self.vpc_of_region(&instance.region)?);
        }
        self.charge_instance(&instance, plan);
        self.instances.insert(instance);
        for vpc_id in networks {
            self.attach_vpc(&id, &vpc_id)?;
        }
        self.instances.find(&id)
    }

    fn check_firewall(&self, id: &str) -> Result<(), Refusal> {
        if id.is_empty() || self.firewalls.get(id).is_some() {
            Ok(())
        } else {
            Err(Refusal::invalid("Invalid firewall group ID"))
        }
    }

    fn check_vpc_of_region(&self, vpc_id: &str, region: &str) -> Result<(), Refusal> {
        let vpc = self
            .vpcs
            .get(vpc_id)
            .ok_or_else(|| Refusal::invalid("Invalid VPC ID"))?;
        if vpc.region != region {
            return Err(Refusal::invalid("VPC is not in the selected region"));
        }
        self.check_room(vpc_id, 1)
    }

    /// The oldest network of the region, made when there is none.
    fn vpc_of_region(&mut self, region: &str) -> Result<String, Refusal> {
        if let Some(vpc) = self.vpcs.iter().find(|vpc| vpc.region == region) {
            return Ok(vpc.id.clone());
        }
        Ok(self
            .create_vpc(VpcRequest {
                region: region.to_owned(),
                ..VpcRequest::default()
            })?
            .id
            .clone())
    }

    /// Puts the instance into a network; being in it already is fine.
    pub(crate) fn attach_vpc(&mut self, id: &str, vpc_id: &str) -> Result<(), Refusal> {
        let instance = self.instances.find(id)?;
        if instance.nics.iter().any(|nic| nic.vpc_id == vpc_id) {
            return Ok(());
        }
        self.check_vpc_of_region(vpc_id, &instance.region)?;
        let nic = self.attach_to(vpc_id)?;
        self.instances.find_mut(id)?.nics.push(nic);
        Ok(())
    }

    /// Takes the instance out of a network. A worker node stays in its own.
    pub(crate) fn detach_vpc(&mut self, id: &str, vpc_id: &str) -> Result<(), Refusal> {
        let instance = self.instances.find_mut(id)?;
        if instance.node.is_some() {
            return Err(Refusal::invalid(
                "Unable to detach a Kubernetes node from its VPC",
            ));
        }
        instance.nics.retain(|nic| nic.vpc_id != vpc_id);
        Ok(())
    }

    /// Changes an instance.
    pub(crate) fn change_instance(
        &mut self,
        id: &str,
        change: InstanceChange,
    ) -> Result<&Instance, Refusal> {
        let instance = self.instances.find(id)?;
        decode_user_data(change.user_data.as_deref().unwrap_or_default())?;
        self.check_firewall(change.firewall_group_id.as_deref().unwrap_or_default())?;
        let plan = change
            .plan
            .map(|plan| self.check_stock(&instance.region, &plan))
            .transpose()?;
        for vpc_id in &change.detach_vpc {
            self.detach_vpc(id, vpc_id)?;
        }
        for vpc_id in &change.attach_vpc {
            self.attach_vpc(id, vpc_id)?;
        }
        let now = self.now;
        let instance = self.instances.find_mut(id)?;
        instance.label = change.label.unwrap_or_else(|| instance.label.clone());
        instance.tags = change.tags.unwrap_or_else(|| instance.tags.clone());
        instance.user_data = change
            .user_data
            .unwrap_or_else(|| instance.user_data.clone());
        instance.firewall_group_id = change
            .firewall_group_id
            .unwrap_or_else(|| instance.firewall_group_id.clone());
        if let Some(plan) = plan.filter(|plan| plan.id != instance.plan.id) {
            instance.plan = plan;
            let restarts = instance.runs_here();
            self.ledger
                .reprice(id, plan.id.to_owned(), plan.price(), now);
            self.effects
                .extend(restarts.then(|| Effect::RebootInstance(id.to_owned())));
        }
        self.instances.find(id)
    }

    /// `DELETE /instances/{id}`: a node comes again, because its pool wants it.
    pub(crate) fn delete_instance(&mut self, id: &str) -> Result<(), Refusal> {
        let instance = self.instances.find(id)?;
        if self.now < instance.locked_until {
            return Err(Refusal::new(
                500,
                "Unable to destroy server: Unable to remove VM: Server is currently locked",
            ));
        }
        if instance.node.is_some() {
            return self.replace_node(id);
        }
        self.remove_instance(id, RELEASE_OF_INSTANCE);
        Ok(())
    }

    /// Ends an instance and all that depends on it.
    pub(super) fn remove_instance(&mut self, id: &str, release: SignedDuration) {
        let Some(instance) = self.instances.remove(id) else {
            return;
        };
        self.addresses.release(instance.address);
        self.hold("vps", id, instance.nics, release);
        self.ledger.close(id, self.now);
        if !self.conditions.stale_attach {
            for block in self
                .blocks
                .iter_mut()
                .filter(|block| block.attached_to.as_deref() == Some(id))
            {
                block.attached_to = None;
            }
        }
        for balancer in self.load_balancers.iter_mut() {
            balancer.instances.retain(|known| known != id);
        }
        for found in self.file_systems.iter_mut() {
            found.holders.retain(|(_, held)| held != id);
        }
        self.free_reserved_ips(id);
        if instance.node.is_none() {
            self.effects.push(Effect::DestroyInstance(id.to_owned()));
        }
    }

    pub(super) fn charge_instance(&mut self, instance: &Instance, plan: &'static Plan) {
        self.ledger.open(Charge {
            kind: if instance.node.is_some() {
                "node"
            } else {
                "instance"
            },
            id: instance.id.clone(),
            label: instance.label.clone(),
            what: plan.id.to_owned(),
            price: plan.price(),
            from: self.now,
            until: None,
        });
    }
}
