//! NAT gateways: the way out of a VPC for machines without a public address.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::ledger::Charge;
use super::networks::{Nic, RELEASE_OF_INSTANCE};
use super::pools::PoolRequest;
use crate::account::catalogue;
use crate::account::refusal::Refusal;
use crate::account::table::Row;

/// Time from the request to an active gateway.
const CREATION: SignedDuration = SignedDuration::from_secs(60);

/// A NAT gateway.
#[derive(Clone, Debug)]
pub(crate) struct NatGateway {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) tag: String,
    pub(crate) nic: Nic,
    pub(crate) address: Ipv4Addr,
    pub(crate) created: Timestamp,
    pub(crate) ready_at: Timestamp,
}

impl Row for NatGateway {
    const UNKNOWN: (u16, &'static str) = (404, "Invalid NAT Gateway ID.");

    fn id(&self) -> &str {
        &self.id
    }
}

impl State {
    /// Makes a gateway in a network.
    pub(crate) fn create_nat_gateway(
        &mut self,
        vpc_id: &str,
        label: String,
        tag: String,
    ) -> Result<&NatGateway, Refusal> {
        let id = self.seeded.id();
        let nic = self.attach_to(vpc_id)?;
        self.ledger.open(Charge {
            kind: "nat_gateway",
            id: id.clone(),
            label: label.clone(),
            what: "NAT gateway".to_owned(),
            price: catalogue::nat_gateway(),
            from: self.now,
            until: None,
        });
        self.nat_gateways.insert(NatGateway {
            id: id.clone(),
            label,
            tag,
            nic,
            address: self.addresses.node(),
            created: self.now,
            ready_at: self.now + CREATION,
        });
        self.nat_gateways.find(&id)
    }

    /// A gateway of this network.
    pub(crate) fn nat_gateway_of(&self, vpc_id: &str, id: &str) -> Result<&NatGateway, Refusal> {
        self.vpcs.find(vpc_id)?;
        let (status, text) = NatGateway::UNKNOWN;
        self.nat_gateways
            .get(id)
            .filter(|gateway| gateway.nic.vpc_id == vpc_id)
            .ok_or_else(|| Refusal::new(status, text))
    }

    /// Deletes a gateway; it holds its network for a while longer.
    pub(crate) fn delete_nat_gateway(&mut self, vpc_id: &str, id: &str) -> Result<(), Refusal> {
        self.nat_gateway_of(vpc_id, id)?;
        if let Some(gateway) = self.nat_gateways.remove(id) {
            self.ledger.close(id, self.now);
            self.hold("nat_gateway", id, vec![gateway.nic], RELEASE_OF_INSTANCE);
        }
        Ok(())
    }

    /// Refuses nodes without a public address in a network without a gateway.
    pub(super) fn check_way_out(&self, vpc_id: &str, pool: &PoolRequest) -> Result<(), Refusal> {
        let has_gateway = || {
            self.nat_gateways
                .iter()
                .any(|gateway| gateway.nic.vpc_id == vpc_id)
        };
        if !pool.vpc_only || has_gateway() {
            return Ok(());
        }
        Err(Refusal::invalid(
            "A NAT Gateway is required for VPC only node pools",
        ))
    }
}
