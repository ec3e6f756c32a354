//! Addresses that the account hands out.

use std::net::Ipv4Addr;

use crate::account::refusal::Refusal;

/// Addresses a sandbox may hold of each kind at a time.
const PER_KIND: usize = 250;

/// Loopback addresses where something may listen, and public-looking ones where nothing ever does.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    hosts: Pool,
    clusters: Pool,
    load_balancers: Pool,
    next_node: u32,
}

#[derive(Clone, Debug)]
struct Pool {
    network: [u8; 3],
    what: &'static str,
    taken: [bool; PER_KIND],
    /// Where to look first: an address is used again as late as possible.
    next: usize,
}

impl Pool {
    fn new(second: u8, slot: u8, what: &'static str) -> Self {
        Self {
            network: [127, second, slot],
            what,
            taken: [false; PER_KIND],
            next: 0,
        }
    }

    fn take(&mut self) -> Result<Ipv4Addr, Refusal> {
        for offset in 0..PER_KIND {
            let at = (self.next + offset) % PER_KIND;
            if !self.taken[at] {
                self.taken[at] = true;
                self.next = (at + 1) % PER_KIND;
                let [first, second, third] = self.network;
                return Ok(Ipv4Addr::new(first, second, third, last_octet(at)));
            }
        }
        Err(Refusal::invalid(format!(
            "This rehearsal holds {PER_KIND} {} at most.",
            self.what
        )))
    }

    fn release(&mut self, address: Ipv4Addr) {
        let octets = address.octets();
        if octets[..3] == self.network
            && let Some(taken) = usize::from(octets[3])
                .checked_sub(1)
                .and_then(|at| self.taken.get_mut(at))
        {
            *taken = false;
        }
    }
}

fn last_octet(place: usize) -> u8 {
    u8::try_from(place + 1).unwrap_or(u8::MAX)
}

impl Addresses {
    /// The addresses of this slot.
    pub(crate) fn new(slot: u8) -> Self {
        Self {
            hosts: Pool::new(64, slot, "instances"),
            clusters: Pool::new(65, slot, "clusters"),
            load_balancers: Pool::new(66, slot, "load balancers"),
            next_node: 0,
        }
    }

    pub(crate) fn host(&mut self) -> Result<Ipv4Addr, Refusal> {
        self.hosts.take()
    }

    pub(crate) fn cluster(&mut self) -> Result<Ipv4Addr, Refusal> {
        self.clusters.take()
    }

    pub(crate) fn load_balancer(&mut self) -> Result<Ipv4Addr, Refusal> {
        self.load_balancers.take()
    }

    /// Public address of a node, from the range for benchmarks (198.18.0.0/15): nothing is there.
    pub(crate) fn node(&mut self) -> Ipv4Addr {
        let address = u32::from(Ipv4Addr::new(198, 18, 0, 1)) + self.next_node;
        self.next_node = (self.next_node + 1) % 131_000;
        Ipv4Addr::from(address)
    }

    /// Gives an address back, of whatever kind.
    pub(crate) fn release(&mut self, address: Ipv4Addr) {
        for pool in [
            &mut self.hosts,
            &mut self.clusters,
            &mut self.load_balancers,
        ] {
            pool.release(address);
        }
    }
}
