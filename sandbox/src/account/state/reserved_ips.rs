//! Reserved addresses: paid for as long as no server has them.

use std::net::Ipv4Addr;

use super::State;
use super::ledger::Charge;
use crate::account::catalogue;
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// A reserved address.
#[derive(Clone, Debug)]
pub(crate) struct ReservedIp {
    pub(crate) id: String,
    pub(crate) region: String,
    pub(crate) label: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) instance_id: Option<String>,
    pub(crate) created: jiff::Timestamp,
}

impl Row for ReservedIp {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid reserved-ip ID");

    fn id(&self) -> &str {
        &self.id
    }
}

impl State {
    /// Reserves an address. Only IPv4 is played.
    pub(crate) fn create_reserved_ip(
        &mut self,
        region: String,
        ip_type: &str,
        label: String,
    ) -> Result<&ReservedIp, Refusal> {
        if catalogue::region(&region).is_none() {
            return Err(Refusal::invalid("Invalid region"));
        }
        if ip_type != "v4" {
            return Err(Refusal::invalid(
                "`ip_type` must be v4 in the rehearsal: it has no IPv6",
            ));
        }
        let id = self.seeded.id();
        self.reserved_ips.insert(ReservedIp {
            id: id.clone(),
            region,
            label,
            address: self.addresses.node(),
            instance_id: None,
            created: self.now,
        });
        self.charge_reserved_ip(&id)?;
        self.reserved_ips.find(&id)
    }

    fn charge_reserved_ip(&mut self, id: &str) -> Result<(), Refusal> {
        let found = self.reserved_ips.find(id)?;
        self.ledger.open(Charge {
            kind: "reserved_ip",
            id: id.to_owned(),
            label: found.label.clone(),
            what: found.address.to_string(),
            price: catalogue::reserved_ip(),
            from: self.now,
            until: None,
        });
        Ok(())
    }

    /// Gives the address to an instance of its region.
    pub(crate) fn attach_reserved_ip(
        &mut self,
        id: &str,
        instance_id: &str,
    ) -> Result<(), Refusal> {
        let instance = self
            .instances
            .get(instance_id)
            .ok_or_else(|| Refusal::invalid("Invalid instance ID"))?;
        let found = self.reserved_ips.find(id)?;
        if found.instance_id.is_some() {
            return Err(Refusal::invalid(
                "Floating IPv4 address is already attached to another server",
            ));
        }
        if found.region != instance.region {
            return Err(Refusal::invalid(
                "Reserved IP and server are not in the same region",
            ));
        }
        self.reserved_ips.find_mut(id)?.instance_id = Some(instance_id.to_owned());
        self.ledger.close(id, self.now);
        Ok(())
    }

    /// Takes the address off its instance.
    pub(crate) fn detach_reserved_ip(&mut self, id: &str) -> Result<(), Refusal> {
        let holder = self.reserved_ips.find_mut(id)?.instance_id.take();
        if holder.is_none() {
            return Err(Refusal::invalid("Reserved IP is not attached to a server"));
        }
        self.charge_reserved_ip(id)
    }

    /// Takes all addresses off an instance that goes.
    pub(super) fn free_reserved_ips(&mut self, instance_id: &str) {
        let held: Vec<String> = self
            .reserved_ips
            .iter()
            .filter(|reserved| reserved.instance_id.as_deref() == Some(instance_id))
            .map(|reserved| reserved.id.clone())
            .collect();
        for id in held {
            if let Err(refusal) = self.detach_reserved_ip(&id) {
                tracing::warn!(%id, %refusal, "a reserved address could not be freed");
            }
        }
    }

    /// Gives the address back; one that a server has is refused.
    pub(crate) fn delete_reserved_ip(&mut self, id: &str) -> Result<(), Refusal> {
        if self.reserved_ips.find(id)?.instance_id.is_some() {
            return Err(Refusal::invalid(
                "Floating IPv4 address is already attached to another server",
            ));
        }
        self.reserved_ips.remove(id);
        self.ledger.close(id, self.now);
        Ok(())
    }
}
