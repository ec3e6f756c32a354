//! The whole account, every kind of object that could carry a mark: who owns each, what it costs, how it is removed.

use rust_decimal::Decimal;
use vultr::{Client, Holding, HoldingKind, InstanceFilter};

use crate::catalogue::Catalogue;
use crate::mark::{PlatformId, owner_of};
use crate::price::dollars;

/// A kind of object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Vpc,
    Cluster,
    Instance,
    LoadBalancer,
    Volume,
    /// Lives in a VPC and is reached through it.
    NatGateway {
        vpc: String,
    },
    Other(HoldingKind),
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// Its label, name or description.
    pub(super) called: String,
    /// Every text in which an owner may have left a mark.
    pub(super) texts: Vec<String>,
    /// USD a month, where the account tells it.
    pub(super) monthly: Option<Decimal>,
    /// The servers that have it.
    pub(super) holders: Vec<String>,
}

/// A complete listing.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) items: Vec<Item>,
    /// Kinds that the key may not list, with the API's words.
    pub(super) unseen: Vec<String>,
}

impl Kind {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Vpc => "VPC",
            Self::Cluster => "cluster",
            Self::Instance => "instance",
            Self::LoadBalancer => "load balancer",
            Self::Volume => "volume",
            Self::NatGateway { .. } => "NAT gateway",
            Self::Other(kind) => kind.name(),
        }
    }

    /// The path of one object below `/v2`.
    fn path<'a>(&'a self, id: &'a str) -> Vec<&'a str> {
        let mut path = match self {
            Self::Vpc => vec!["vpcs"],
            Self::Cluster => vec!["kubernetes", "clusters"],
            Self::Instance => vec!["instances"],
            Self::LoadBalancer => vec!["load-balancers"],
            Self::Volume => vec!["blocks"],
            Self::NatGateway { vpc } => vec!["vpcs", vpc, "nat-gateway"],
            Self::Other(kind) => kind.path().to_vec(),
        };
        path.push(id);
        path
    }
}

impl Item {
    /// Whether any of its texts is a mark of this platform, in whatever role.
    pub(super) fn belongs_to(&self, id: &PlatformId) -> bool {
        self.texts
            .iter()
            .any(|text| owner_of(text).as_ref() == Some(id))
    }

    /// What it is and what it costs.
    pub(super) fn line(&self) -> String {
        let price = self.monthly.map_or_else(
            || "price: see the account's pending charges".to_owned(),
            |price| format!("{} USD a month", dollars(price)),
        );
        let called = if self.called.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.called)
        };
        format!("  {} {}{called}, {price}", self.kind.name(), self.id)
    }

    /// The command that removes it.
    pub(super) fn removal(&self, client: &Client) -> String {
        const CURL: &str = "curl -fsS -H \"Authorization: Bearer $VULTR_API_KEY\"";
        let path = self.kind.path(&self.id);
        let address = |more: &[&str]| {
            client
                .address_of(&[path.as_slice(), more].concat())
                .unwrap_or_default()
        };
        let mut commands = Vec::new();
        for holder in &self.holders {
            commands.push(match self.kind {
                Kind::Volume => format!(
                    "{CURL} -H 'Content-Type: application/json' -d '{{\"live\":true}}' {}",
                    address(&["detach"])
                ),
                _ => format!("{CURL} -X DELETE {}", address(&["attachments", holder])),
            });
        }
        commands.push(format!("{CURL} -X DELETE {}", address(&[])));
        commands.join(" && ")
    }

    /// The line, and the command below it.
    pub(super) fn with_removal(&self, client: &Client) -> String {
        format!("{}\n    {}", self.line(), self.removal(client))
    }
}

/// Lists the account. What the key may not list is named, unless it is a kind that Slipway makes itself.
pub(super) async fn take(
    client: &Client,
    catalogue: Option<&Catalogue>,
    id: &PlatformId,
) -> vultr::Result<Inventory> {
    let (vpcs, clusters, instances, balancers, volumes) = tokio::try_join!(
        client.vpcs(),
        client.clusters(),
        client.instances(InstanceFilter::All),
        client.load_balancers(),
        client.blocks()
    )?;
    let price_of = |plan: &str, region: &str| Some(catalogue?.plan(plan)?.price_in(region));
    let mut inventory = Inventory::default();
    let items = &mut inventory.items;
    items.extend(vpcs.into_iter().map(|one| Item {
        monthly: Some(Decimal::ZERO),
        ..item(Kind::Vpc, one.id, one.description)
    }));
    items.extend(clusters.into_iter().map(|one| {
        Item {
            monthly: one
                .node_pools
                .iter()
                .map(|pool| {
                    Some(price_of(&pool.plan, &one.region)? * Decimal::from(pool.node_quantity))
                })
                .sum(),
            ..item(Kind::Cluster, one.id, one.label)
        }
    }));
    items.extend(instances.into_iter().map(|one| {
        let monthly = price_of(&one.plan, &one.region);
        let mut item = item(Kind::Instance, one.id, one.label);
        item.texts.extend(one.tags);
        Item { monthly, ..item }
    }));
    items.extend(
        balancers
            .into_iter()
            .map(|one| item(Kind::LoadBalancer, one.id, one.label)),
    );
    items.extend(volumes.into_iter().map(|one| {
        Item {
            monthly: one.cost,
            holders: Some(one.attached_to_instance)
                .filter(|holder| !holder.is_empty())
                .into_iter()
                .collect(),
            ..item(Kind::Volume, one.id, one.label)
        }
    }));
    add_others(client, &mut inventory).await?;
    add_gateways(client, id, &mut inventory).await?;
    Ok(inventory)
}

fn item(kind: Kind, id: String, called: String) -> Item {
    Item {
        kind,
        id,
        texts: vec![called.clone()],
        called,
        monthly: None,
        holders: Vec::new(),
    }
}

fn held(kind: Kind, one: &Holding) -> Item {
    Item {
        texts: one.texts().map(str::to_owned).collect(),
        monthly: one.monthly(),
        ..item(kind, one.id.clone(), one.called().to_owned())
    }
}

async fn add_others(client: &Client, inventory: &mut Inventory) -> vultr::Result<()> {
    let lists = HoldingKind::ALL
        .iter()
        .map(|kind| async move { (*kind, client.holdings(*kind).await) });
    for (kind, list) in futures::future::join_all(lists).await {
        match list {
            Ok(list) => {
                let items = list.iter().map(|one| held(Kind::Other(kind), one));
                inventory.items.extend(items);
            }
            // A key that may not see a kind, or an endpoint that does not have it, made none of it.
            Err(error) if error.is_access() || error.is_not_found() => {
                inventory
                    .unseen
                    .push(format!("  every {}: {error}", kind.name()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Only the networks of the platform itself are asked: a gateway in another one belongs to that.
async fn add_gateways(
    client: &Client,
    id: &PlatformId,
    inventory: &mut Inventory,
) -> vultr::Result<()> {
    let ours = |item: &&Item| item.kind == Kind::Vpc && item.belongs_to(id);
    let networks: Vec<String> = inventory
        .items
        .iter()
        .filter(ours)
        .map(|item| item.id.clone())
        .collect();
    for vpc in networks {
        let gateways = client.nat_gateways(&vpc).await?;
        let mark = id.mark();
        inventory.items.extend(gateways.iter().map(|one| {
            let mut item = held(Kind::NatGateway { vpc: vpc.clone() }, one);
            item.texts.push(mark.clone());
            item
        }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client::builder("k".to_owned().into())
            .address("http://127.0.0.1:9")
            .build()
            .unwrap()
    }

    #[test]
    fn a_command_detaches_what_is_attached_before_it_deletes() {
        let mut volume = item(Kind::Volume, "b1".into(), "pvc-1".into());
        volume.monthly = Some(Decimal::new(150, 2));
        assert_eq!(volume.line(), "  volume b1 (pvc-1), 1.50 USD a month");
        let delete = "curl -fsS -H \"Authorization: Bearer $VULTR_API_KEY\" -X DELETE http://127.0.0.1:9/v2/blocks/b1";
        assert_eq!(volume.removal(&client()), delete);
        volume.holders.push("i1".into());
        let both = volume.removal(&client());
        assert!(
            both.contains("/v2/blocks/b1/detach && curl") && both.ends_with(delete),
            "{both}"
        );
        let gateway = item(
            Kind::NatGateway { vpc: "v1".into() },
            "g1".into(),
            String::new(),
        );
        assert!(
            gateway
                .removal(&client())
                .ends_with("/v2/vpcs/v1/nat-gateway/g1")
        );
        let script = item(
            Kind::Other(HoldingKind::StartupScript),
            "s1".into(),
            String::new(),
        );
        assert!(
            script
                .removal(&client())
                .ends_with("/v2/startup-scripts/s1")
        );
    }

    #[test]
    fn a_price_that_the_catalogue_lacks_is_not_made_up() {
        let balancer = item(Kind::LoadBalancer, "l1".into(), "a1".into());
        assert!(
            balancer
                .line()
                .ends_with("price: see the account's pending charges")
        );
    }
}
