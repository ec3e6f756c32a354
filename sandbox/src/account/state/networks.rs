//! VPCs, and what is attached to them.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::State;
use crate::account::catalogue;
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// How long a deleted instance or load balancer still holds its network.
pub(super) const RELEASE_OF_INSTANCE: SignedDuration = SignedDuration::from_secs(30);
/// How long a deleted cluster and its nodes still hold their network.
pub(super) const RELEASE_OF_CLUSTER: SignedDuration = SignedDuration::from_secs(180);

/// A private network.
#[derive(Clone, Debug)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) region: String,
    pub(crate) description: String,
    pub(crate) subnet: Ipv4Addr,
    pub(crate) mask: u8,
    pub(crate) created: Timestamp,
}

impl Row for Vpc {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid VPC ID");

    fn id(&self) -> &str {
        &self.id
    }
}

impl Vpc {
    /// `10.20.0.0/20`.
    pub(crate) fn cidr(&self) -> String {
        format!("{}/{}", self.subnet, self.mask)
    }

    /// Addresses for machines: without network, gateway and broadcast address.
    fn machine_addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let first = u32::from(self.subnet);
        let size = 1_u32 << (32 - u32::from(self.mask));
        (first + 3..first + size - 1).map(Ipv4Addr::from)
    }
}

/// What `POST /vpcs` asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct VpcRequest {
    pub(crate) region: String,
    pub(crate) description: String,
    pub(crate) subnet: Option<(String, u64)>,
}

/// A machine's place in a network.
#[derive(Clone, Debug)]
pub(crate) struct Nic {
    pub(crate) vpc_id: String,
    pub(crate) ip: Ipv4Addr,
    pub(crate) mac: u64,
    pub(crate) since: Timestamp,
}

/// What something deleted still holds.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) attachment: Attachment,
    pub(crate) until: Timestamp,
}

/// In which words the deletion of a busy network is refused: all that were seen, and one that nobody has seen yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VpcInUse {
    /// The words that the vendor's Terraform provider waits on.
    #[default]
    Servers,
    /// The words of a live account in 2023, which that provider does not know.
    Addresses,
    /// Words that no client knows.
    Other,
}

impl VpcInUse {
    fn refusal(self, addresses: &str) -> Refusal {
        Refusal::invalid(match self {
            Self::Servers => {
                format!("The following servers are attached to this VPC network: {addresses}")
            }
            Self::Addresses => format!("VPC is attached to {addresses}"),
            Self::Other => "Unable to remove network: resource busy".to_owned(),
        })
    }
}

/// Something attached to a network.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) kind: &'static str,
    pub(crate) owner: String,
    pub(crate) nic: Nic,
}

impl State {
    /// Makes a network.
    pub(crate) fn create_vpc(&mut self, request: VpcRequest) -> Result<&Vpc, Refusal> {
        if catalogue::region(&request.region).is_none() {
            return Err(Refusal::invalid("Invalid region"));
        }
        let (subnet, mask) = match &request.subnet {
            Some((subnet, mask)) => private_subnet(subnet, *mask)?,
            None => self.free_subnet(),
        };
        let id = self.seeded.id();
        self.vpcs.insert(Vpc {
            id: id.clone(),
            region: request.region,
            description: request.description,
            subnet,
            mask,
            created: self.now,
        });
        self.vpcs.find(&id)
    }

    /// A subnet that no network of the account has yet.
    fn free_subnet(&self) -> (Ipv4Addr, u8) {
        let taken: HashSet<Ipv4Addr> = self.vpcs.iter().map(|vpc| vpc.subnet).collect();
        let free = (1..=255_u8)
            .map(|second| Ipv4Addr::new(10, second, 96, 0))
            .find(|subnet| !taken.contains(subnet));
        (free.unwrap_or(Ipv4Addr::new(10, 1, 96, 0)), 20)
    }

    /// Deletes a network that nothing holds.
    pub(crate) fn delete_vpc(&mut self, id: &str) -> Result<(), Refusal> {
        self.vpcs.find(id)?;
        let held: Vec<String> = self
            .attachments(id)
            .iter()
            .map(|attachment| attachment.nic.ip.to_string())
            .collect();
        if !held.is_empty() {
            return Err(self.conditions.vpc_in_use.refusal(&held.join(", ")));
        }
        self.vpcs.remove(id);
        Ok(())
    }

    /// Everything that holds the network: what exists and what is still being released.
    pub(crate) fn attachments(&self, vpc_id: &str) -> Vec<Attachment> {
        let instances = self.instances.iter().flat_map(|instance| {
            instance.nics.iter().map(|nic| Attachment {
                kind: "vps",
                owner: instance.id.clone(),
                nic: nic.clone(),
            })
        });
        let load_balancers = self.load_balancers.iter().filter_map(|balancer| {
            Some(Attachment {
                kind: "load_balancer",
                owner: balancer.id.clone(),
                nic: balancer.nic.clone()?,
            })
        });
        let clusters = self.clusters.iter().map(|cluster| Attachment {
            kind: "vke",
            owner: cluster.id.clone(),
            nic: cluster.nic.clone(),
        });
        let gateways = self.nat_gateways.iter().map(|gateway| Attachment {
            kind: "nat_gateway",
            owner: gateway.id.clone(),
            nic: gateway.nic.clone(),
        });
        let releasing = self.holds.iter().map(|hold| hold.attachment.clone());
        let all = clusters
            .chain(instances)
            .chain(load_balancers)
            .chain(gateways)
            .chain(releasing);
        all.filter(|attachment| attachment.nic.vpc_id == vpc_id)
            .collect()
    }

    /// A place in the network, or the refusal when it is full.
    pub(super) fn attach_to(&mut self, vpc_id: &str) -> Result<Nic, Refusal> {
        let vpc = self.vpcs.find(vpc_id)?;
        let taken: HashSet<Ipv4Addr> = self
            .attachments(vpc_id)
            .iter()
            .map(|attachment| attachment.nic.ip)
            .collect();
        let ip = vpc
            .machine_addresses()
            .find(|ip| !taken.contains(ip))
            .ok_or_else(|| {
                Refusal::invalid(format!("VPC network {} has no free address", vpc.cidr()))
            })?;
        // Locally administered, as the vendor's private interfaces are.
        let mac = 0x5a00_0000_0000 | (self.seeded.number() & 0xff_ffff_ffff);
        Ok(Nic {
            vpc_id: vpc_id.to_owned(),
            ip,
            mac,
            since: self.now,
        })
    }

    /// Keeps the network busy for a while after something attached to it was deleted.
    pub(super) fn hold(
        &mut self,
        kind: &'static str,
        owner: &str,
        nics: Vec<Nic>,
        release: SignedDuration,
    ) {
        let until = self.now
            + release
            + SignedDuration::from_secs(i64::from(self.conditions.slow_release_s));
        self.holds.extend(nics.into_iter().map(|nic| Hold {
            attachment: Attachment {
                kind,
                owner: owner.to_owned(),
                nic,
            },
            until,
        }));
    }
}

fn private_subnet(subnet: &str, mask: u64) -> Result<(Ipv4Addr, u8), Refusal> {
    let invalid = || {
        Refusal::invalid("Invalid v4_subnet: a private network of RFC 1918 with its mask is needed")
    };
    let address: Ipv4Addr = subnet.parse().map_err(|_| invalid())?;
    let mask = u8::try_from(mask)
        .ok()
        .filter(|mask| (8..=29).contains(mask))
        .ok_or_else(invalid)?;
    let least_mask = match address.octets() {
        [10, ..] => 8,
        [172, 16..=31, ..] => 12,
        [192, 168, ..] => 16,
        _ => return Err(invalid()),
    };
    let host_bits = (1_u32 << (32 - u32::from(mask))) - 1;
    if mask < least_mask || u32::from(address) & host_bits != 0 {
        return Err(invalid());
    }
    Ok((address, mask))
}

#[cfg(test)]
mod tests {
    use super::private_subnet;

    #[test]
    fn only_private_networks_pass() {
        for (subnet, mask) in [
            ("10.20.0.0", 20),
            ("172.31.0.0", 16),
            ("192.168.7.0", 24),
            ("10.0.0.0", 8),
        ] {
            assert!(private_subnet(subnet, mask).is_ok(), "{subnet}/{mask}");
        }
        for (subnet, mask) in [
            ("8.8.8.0", 24),
            ("172.32.0.0", 16),
            ("192.168.0.0", 12),
            ("10.20.0.1", 20),
            ("10.0.0.0", 30),
            ("x", 20),
        ] {
            assert!(private_subnet(subnet, mask).is_err(), "{subnet}/{mask}");
        }
    }
}
