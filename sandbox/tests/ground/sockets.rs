//! Whether processes keep to the loopback addresses.

use std::fs;

/// Addresses of the machine's sockets that one of the processes holds and that are not loopback: own or remote ends.
pub(crate) fn foreign_addresses(pids: &[i32]) -> Vec<String> {
    let held: Vec<String> = pids
        .iter()
        .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok())
        .flatten()
        .filter_map(|file| {
            Some(
                fs::read_link(file.ok()?.path())
                    .ok()?
                    .to_string_lossy()
                    .into_owned(),
            )
        })
        .collect();
    let tables = ["tcp", "tcp6", "udp", "udp6"]
        .map(|name| fs::read_to_string(format!("/proc/net/{name}")).unwrap());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let ours = held.contains(&format!("socket:[{}]", fields[9]));
            let remote = Some(fields[2]).filter(|remote| !remote.ends_with(":0000"));
            let foreign = std::iter::once(fields[1])
                .chain(remote)
                .find(|end| !is_loopback(end))?;
            ours.then(|| foreign.to_owned())
        })
        .collect()
}

/// Whether `ADDRESS:PORT`, as the kernel writes it, is a loopback one.
fn is_loopback(end: &str) -> bool {
    let address = end.split(':').next().unwrap();
    // Words of four bytes, each in the machine's order.
    let bytes: Vec<u8> = (0..address.len() / 8)
        .flat_map(|word| {
            u32::from_str_radix(&address[word * 8..word * 8 + 8], 16)
                .unwrap()
                .to_ne_bytes()
        })
        .collect();
    match <[u8; 16]>::try_from(bytes.as_slice()) {
        Ok(bytes) => {
            let address = std::net::Ipv6Addr::from(bytes);
            address.is_loopback()
                || address
                    .to_ipv4_mapped()
                    .is_some_and(|address| address.is_loopback())
        }
        Err(_) => bytes[0] == 127,
    }
}
