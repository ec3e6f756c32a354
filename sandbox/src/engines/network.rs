//! The loopback addresses of one sandbox: several sandboxes on a machine never share one.
//!
//! A sandbox holds one number N for its life: instances live in 127.64.N.0/24, control planes in 127.65.N.0/24,
//! load balancers in 127.66.N.0/24. The number is held by a name in the kernel's abstract socket space, which dies
//! with the process, and is passed over while something still listens there.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

const INSTANCES: u8 = 64;
const CONTROL_PLANES: u8 = 65;
const LOAD_BALANCERS: u8 = 66;
/// The state of a listening socket in the kernel's socket table.
const LISTENING: &str = "0A";

/// The addresses of this sandbox.
#[derive(Debug)]
pub struct Network {
    number: u8,
    taken: Mutex<BTreeSet<Ipv4Addr>>,
    _claim: UnixListener,
}

impl Network {
    /// Claims the first number that nobody holds or listens on.
    pub fn claim() -> Result<Self> {
        let busy = listening_numbers();
        (0..=u8::MAX)
            .filter(|number| !busy.contains(number))
            .find_map(|number| {
                let name = SocketAddr::from_abstract_name(format!("slipway-sandbox-{number}")).ok()?;
                Some(Self {
                    number,
                    taken: Mutex::default(),
                    _claim: UnixListener::bind_addr(&name).ok()?,
                })
            })
            .context("SLW-904 all 256 loopback networks for sandboxes are in use: end some sandboxes")
    }

    /// The address of what all clusters share.
    pub(crate) fn shared(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, CONTROL_PLANES, self.number, 1)
    }

    /// A free address for an instance's sshd.
    pub fn instance(&self) -> Result<Ipv4Addr> {
        self.take(INSTANCES)
    }

    /// A free address for a cluster's API server.
    pub(crate) fn control_plane(&self) -> Result<Ipv4Addr> {
        self.take(CONTROL_PLANES)
    }

    /// A free address for a load balancer.
    pub fn load_balancer(&self) -> Result<Ipv4Addr> {
        self.take(LOAD_BALANCERS)
    }

    /// Gives an address back.
    pub fn release(&self, address: Ipv4Addr) {
        self.taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&address);
    }

    fn take(&self, kind: u8) -> Result<Ipv4Addr> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let address = (2..=254)
            .map(|host| Ipv4Addr::new(127, kind, self.number, host))
            .find(|address| !taken.contains(address))
            .context("SLW-905 the sandbox has no loopback address left: 253 of a kind are in use")?;
        taken.insert(address);
        Ok(address)
    }
}

/// The numbers on whose addresses a process listens now, whoever it belongs to.
fn listening_numbers() -> BTreeSet<u8> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let address = fields.next()?.split_once(':')?.0;
            let state = fields.nth(1)?;
            let octets = u32::from_str_radix(address, 16).ok()?.to_le_bytes();
            let ours = octets[0] == 127 && (INSTANCES..=LOAD_BALANCERS).contains(&octets[1]);
            (ours && state == LISTENING).then_some(octets[2])
        })
        .collect()
}
