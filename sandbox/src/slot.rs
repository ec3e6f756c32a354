//! Loopback addresses of this sandbox's own.
//!
//! Sandboxes of one machine share 127.0.0.0/8, and hosts must listen on port 22. So each takes a third octet that no other has.
//! The claim is an abstract socket: it needs no file and ends with the process, however that ends. What engines of a killed
//! sandbox still listen on counts as taken until they are ended.

use std::collections::HashSet;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

/// Second octets of addresses that a slot covers.
const COVERED: [u8; 4] = [64, 65, 66, 67];

/// A third octet, held until the value is dropped.
#[derive(Debug)]
pub struct Slot {
    number: u8,
    _claim: UnixListener,
}

/// Every slot is taken.
#[derive(Debug, thiserror::Error)]
#[error("SLW-906: this machine has no loopback addresses left for one more sandbox: 255 are up")]
pub struct NoSlot;

impl Slot {
    /// Takes the lowest free slot.
    pub fn claim() -> Result<Self, NoSlot> {
        let busy = listening();
        (0..=254)
            .filter(|number| !busy.contains(number))
            .find_map(|number| {
                let name = SocketAddr::from_abstract_name(format!("slipway-sandbox-slot-{number}"))
                    .ok()?;
                Some(Self {
                    number,
                    _claim: UnixListener::bind_addr(&name).ok()?,
                })
            })
            .ok_or(NoSlot)
    }

    /// The third octet.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }
}

/// Slots on whose addresses something listens.
fn listening() -> HashSet<u8> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table.lines().filter_map(slot_of).collect()
}

/// The slot of a line of `/proc/net/tcp` in state LISTEN (0A).
fn slot_of(line: &str) -> Option<u8> {
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    if fields.nth(1)? != "0A" {
        return None;
    }
    // The address is in the machine's byte order.
    let address = u32::from_str_radix(local.split(':').next()?, 16).ok()?;
    let [first, second, third, _] = address.to_ne_bytes();
    (first == 127 && COVERED.contains(&second)).then_some(third)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sandboxes_never_share_a_slot() {
        let first = Slot::claim().unwrap();
        let second = Slot::claim().unwrap();
        assert_ne!(first.number(), second.number());
    }

    #[test]
    fn a_listener_is_found_in_the_kernels_table() {
        let address = u32::from_ne_bytes([127, 65, 9, 1]);
        let line = |state| {
            format!(
                "   0: {address:08X}:192B 00000000:0000 {state} 00000000:00000000 00:00000000 00000000"
            )
        };
        assert_eq!(slot_of(&line("0A")), Some(9));
        assert_eq!(slot_of(&line("01")), None);
    }
}
