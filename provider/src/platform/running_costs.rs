//! What the account pays for what a platform's services made. No price list names it ahead, so it is read from the objects
//! and from the bill.

use rust_decimal::Decimal;
use tfplugin::Object;
use vultr::{Block, Charge, Client, LinkedResources};

use super::plan::text;
use crate::price::dollars;
use crate::session::Session;

/// What stands in the account and on the bill.
struct Running {
    linked: LinkedResources,
    volumes: Vec<Block>,
    gateways: Vec<Option<Decimal>>,
    charges: Vec<Charge>,
}

/// The costs of a platform's state, a line each. A key that may not read them is no reason to refuse a plan.
pub(super) async fn lines(session: &Session, state: &Object) -> Vec<String> {
    let Some(cluster) = text(state, "cluster_id") else {
        return Vec::new();
    };
    let read = async {
        let client = session.vultr().await.map_err(|fault| fault.to_string())?;
        look(client, &cluster, text(state, "vpc_id").as_deref())
            .await
            .map_err(|error| error.to_string())
    };
    match read.await {
        Ok(running) => running.lines(&[&cluster, &text(state, "mark").unwrap_or_default()]),
        Err(why) => vec![format!(
            "what load balancers and volumes cost now could not be read: {why}"
        )],
    }
}

async fn look(client: &Client, cluster: &str, vpc: Option<&str>) -> vultr::Result<Running> {
    let gateways = async {
        match vpc {
            Some(vpc) => client.nat_gateways(vpc).await,
            None => Ok(Vec::new()),
        }
    };
    let (linked, volumes, charges, gateways) = tokio::try_join!(
        client.linked_resources(cluster),
        client.blocks(),
        client.pending_charges(),
        gateways
    )?;
    Ok(Running {
        linked: linked.unwrap_or(LinkedResources {
            block_storage: Vec::new(),
            load_balancer: Vec::new(),
        }),
        volumes,
        gateways: gateways.iter().map(vultr::Holding::monthly).collect(),
        charges,
    })
}

impl Running {
    /// `names` are those under which the bill knows the cluster.
    fn lines(&self, names: &[&str]) -> Vec<String> {
        [
            self.control_plane(names),
            self.load_balancers(),
            self.volumes(),
            self.gateways(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn control_plane(&self, names: &[&str]) -> Option<String> {
        let hourly = self.billed(names)?;
        Some(format!(
            "control plane: {hourly} an hour by the account's bill"
        ))
    }

    fn load_balancers(&self) -> Option<String> {
        let all = &self.linked.load_balancer;
        let prices: Vec<Decimal> = all
            .iter()
            .filter_map(|one| self.billed(&[&one.label, &one.id]))
            .collect();
        let unbilled = match all.len() - prices.len() {
            0 => String::new(),
            some => format!("; {some} not on the bill yet"),
        };
        (!all.is_empty()).then(|| {
            format!(
                "load balancers: {}, {} an hour by the account's bill{unbilled}",
                all.len(),
                prices.iter().sum::<Decimal>().normalize()
            )
        })
    }

    fn volumes(&self) -> Option<String> {
        let mine = |id: &str| self.volumes.iter().find(|volume| volume.id == id);
        let found: Vec<&Block> = self
            .linked
            .block_storage
            .iter()
            .filter_map(|one| mine(&one.id))
            .collect();
        let size: u64 = found.iter().map(|volume| volume.size_gb).sum();
        let price: Decimal = found.iter().filter_map(|volume| volume.cost).sum();
        (!found.is_empty()).then(|| {
            format!(
                "volumes: {} of {size} GB in all, {} a month",
                found.len(),
                dollars(price)
            )
        })
    }

    fn gateways(&self) -> Option<String> {
        let price: Decimal = self.gateways.iter().flatten().sum();
        (!self.gateways.is_empty()).then(|| {
            format!(
                "NAT gateways: {}, {} a month",
                self.gateways.len(),
                dollars(price)
            )
        })
    }

    /// The price of an hour of an object that the bill knows under one of these names: its last line is that of now.
    fn billed(&self, names: &[&str]) -> Option<Decimal> {
        self.charges
            .iter()
            .rfind(|charge| {
                charge.unit_type.starts_with("hour") && names.iter().any(|name| charge.is_for(name))
            })
            .map(|charge| charge.unit_price.normalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value, json};

    fn charge(description: &str, unit_price: &str) -> Value {
        json!({
            "description": description, "product": "p", "unit_type": "hours",
            "unit_price": unit_price.parse::<serde_json::Number>().unwrap(),
        })
    }

    fn running() -> Running {
        let charges = json!([
            charge("control_plane slipway:acme (controlplane_lb)", "0"),
            charge("instance slipway:acme:bootstrap (vc2-1c-2gb)", "0.015"),
            charge("load_balancer a1 (1 node)", "0.015"),
            charge("load_balancer a1 (3 nodes)", "0.045"),
            charge("load_balancer b9 (1 node)", "0.015"),
        ]);
        let linked = json!({
            "block_storage": [{"id": "v1", "label": "pvc-1", "status": "active", "size_gb": 10}],
            "load_balancer": [
                {"id": "l1", "label": "a1", "status": "active", "ipv4": ""},
                {"id": "l2", "label": "a2", "status": "pending", "ipv4": ""},
            ],
        });
        let volume = |id: &str, cost: u32| {
            json!({
                "id": id, "label": "x", "region": "ams", "size_gb": 10, "status": "active",
                "attached_to_instance": "", "cost": cost,
            })
        };
        Running {
            linked: from_value(linked).unwrap(),
            volumes: from_value(json!([volume("v1", 1), volume("foreign", 5)])).unwrap(),
            gateways: vec![Some(Decimal::from(20))],
            charges: from_value(charges).unwrap(),
        }
    }

    #[test]
    fn only_what_belongs_to_the_platform_is_counted_at_its_price_of_now() {
        assert_eq!(
            running().lines(&["cluster-id", "slipway:acme"]),
            [
                "control plane: 0 an hour by the account's bill",
                "load balancers: 2, 0.045 an hour by the account's bill; 1 not on the bill yet",
                "volumes: 1 of 10 GB in all, 1.00 a month",
                "NAT gateways: 1, 20.00 a month",
            ]
        );
    }

    #[test]
    fn a_platform_without_any_has_nothing_to_tell() {
        let mut running = running();
        running.linked.load_balancer.clear();
        running.linked.block_storage.clear();
        running.gateways.clear();
        assert!(running.lines(&["another"]).is_empty());
    }
}
