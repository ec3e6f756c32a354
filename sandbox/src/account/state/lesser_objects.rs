//! What an account holds beside machines, networks and volumes, in the form of `snapshot`.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::State;
use super::objects::{Object, mark_in};
use crate::account::catalogue;

/// An object of a kind without a price, active from the beginning.
fn plain(kind: &str, id: &str, label: &str, created: Timestamp) -> Object {
    Object {
        kind: kind.to_owned(),
        id: id.to_owned(),
        label: label.to_owned(),
        region: String::new(),
        status: "active".to_owned(),
        mark: mark_in(label),
        what: String::new(),
        cluster_id: None,
        monthly_usd: Decimal::ZERO,
        created,
        trouble: None,
    }
}

impl State {
    fn status_of(&self, ready_at: Timestamp) -> String {
        let active = ready_at <= self.now;
        if active { "active" } else { "pending" }.to_owned()
    }

    /// NAT gateways, firewall groups, file systems, snapshots, reserved addresses and startup scripts.
    pub(super) fn lesser_objects(&self) -> Vec<Object> {
        let gateways = self.nat_gateways.iter().map(|row| {
            let vpc = self.vpcs.get(&row.nic.vpc_id);
            let own_mark = mark_in(&format!("{} {}", row.tag, row.label));
            Object {
                region: vpc.map_or_else(String::new, |vpc| vpc.region.clone()),
                status: self.status_of(row.ready_at),
                mark: own_mark,
                what: row.nic.vpc_id.clone(),
                monthly_usd: catalogue::nat_gateway().monthly,
                ..plain("nat_gateway", &row.id, &row.label, row.created)
            }
        });
        let firewalls = self.firewalls.iter().map(|row| Object {
            what: format!("{} rule(s)", row.rules.len()),
            cluster_id: row.cluster_id.clone(),
            ..plain("firewall_group", &row.id, &row.description, row.created)
        });
        let file_systems = self.file_systems.iter().map(|row| Object {
            region: row.region.clone(),
            status: self.status_of(row.ready_at),
            mark: mark_in(&format!("{} {}", row.tags.join(" "), row.label)),
            what: row.size(),
            monthly_usd: row.price().monthly,
            ..plain("vfs", &row.id, &row.label, row.created)
        });
        let snapshots = self.server_snapshots.iter().map(|row| Object {
            status: self.status_of(row.ready_at),
            what: format!("{} GB", row.size_gb),
            monthly_usd: row.price().monthly,
            ..plain("snapshot", &row.id, &row.description, row.created)
        });
        let addresses = self.reserved_ips.iter().map(|row| Object {
            region: row.region.clone(),
            what: row.address.to_string(),
            monthly_usd: match row.instance_id {
                Some(_) => Decimal::ZERO,
                None => catalogue::reserved_ip().monthly,
            },
            ..plain("reserved_ip", &row.id, &row.label, row.created)
        });
        let scripts = self.startup_scripts.iter().map(|row| Object {
            what: row.kind.clone(),
            ..plain("startup_script", &row.id, &row.name, row.created)
        });
        let paid = gateways.chain(file_systems).chain(snapshots);
        paid.chain(addresses)
            .chain(firewalls)
            .chain(scripts)
            .collect()
    }
}
