//! The plan of a destroy: what refuses it, what goes along, what stays, and what each costs.

use jiff::Timestamp;
use rust_decimal::Decimal;
use tfplugin::{Diagnostic, Diagnostics, Object, PlanDestroy};
use vultr::{Block, Cluster, LinkedResources};

use super::plan::text;
use super::settings::{OnDestroy, environments_on_destroy, on_destroy};
use super::{Phase, has_claim_store, moved};
use crate::catalogue::Catalogue;
use crate::environments::{Farewell, announce};
use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::price::dollars;
use crate::session::{Session, cloud};

/// Plans a destroy: refuses while the platform is protected, and says what goes and what stays.
pub(super) async fn plan_destroy(op: &mut PlanDestroy<Session>) -> Result<(), Diagnostics> {
    moved::require_name(&op.prior)?;
    refuse_protected(&op.prior)?;
    let cluster = text(&op.prior, "cluster_id");
    if let Some(cluster) = &cluster {
        tell(op, cluster).await?;
    }
    let Ok(platform) = PlatformId::parse(&op.prior.get::<String>("id")?) else {
        return Ok(());
    };
    let session = op.client.clone();
    let farewell = Farewell {
        session: &session,
        platform: &platform,
        cluster: cluster.as_deref(),
        vpc: op.prior.value("vpc_id").as_str(),
        region: op.prior.value("region").as_str().unwrap_or_default(),
        has_store: has_claim_store(&op.prior)?,
        choice: &environments_on_destroy(&op.prior)?,
        now: Timestamp::now(),
    };
    if let Some(told) = announce(&farewell).await {
        op.warnings.push(told);
    }
    Ok(())
}

/// What the destroy takes along and what it leaves.
async fn tell(op: &mut PlanDestroy<Session>, id: &str) -> Result<(), Diagnostics> {
    let client = op.client.vultr().await?;
    let (cluster, linked) = tokio::try_join!(client.cluster(id), client.linked_resources(id))
        .map_err(|error| cloud(&format!("listing what cluster {id} made"), &error))?;
    let (Some(cluster), Some(linked)) = (cluster, linked) else {
        return Ok(());
    };
    // The list of a cluster's volumes tells no prices, that of the account does.
    let blocks = if linked.block_storage.is_empty() {
        Vec::new()
    } else {
        client
            .blocks()
            .await
            .map_err(|error| cloud("listing the volumes", &error))?
    };
    // Prices are a courtesy: without a catalogue a line has none.
    let catalogue = op.client.catalogue().await.ok();
    let mut toll = Toll::default();
    toll.cluster(&cluster, catalogue.as_deref());
    if let Some(vpc) = text(&op.prior, "vpc_id") {
        toll.goes(&format!("VPC {vpc}"), Some(Decimal::ZERO));
    }
    toll.linked(&linked, &blocks, on_destroy(&op.prior)?);
    for warning in toll.told() {
        op.warnings.push(warning);
    }
    Ok(())
}

/// What goes and what stays, a line each.
#[derive(Debug, Default)]
struct Toll {
    going: Tally,
    staying: Tally,
}

/// Lines with the sum of their prices.
#[derive(Debug, Default)]
struct Tally {
    lines: Vec<String>,
    sum: Decimal,
    /// Something among them has no price that the account tells.
    open: bool,
}

impl Tally {
    fn add(&mut self, what: &str, monthly: Option<Decimal>) {
        self.sum += monthly.unwrap_or_default();
        self.open |= monthly.is_none();
        self.lines.push(match monthly {
            Some(price) if price.is_zero() => format!("  {what}"),
            Some(price) => format!("  {what}: {} USD a month", dollars(price)),
            None => format!("  {what}: see the account's pending charges"),
        });
    }

    fn told(self, summary: &str, sum: &str) -> Option<Diagnostic> {
        if self.lines.is_empty() {
            return None;
        }
        let more = if self.open {
            ", and what has no price here"
        } else {
            ""
        };
        let text = format!(
            "{}\n{sum} {} USD a month at list prices{more}.",
            self.lines.join("\n"),
            dollars(self.sum)
        );
        Some(Diagnostic::warning(summary, text))
    }
}

impl Toll {
    fn goes(&mut self, what: &str, monthly: Option<Decimal>) {
        self.going.add(what, monthly);
    }

    fn cluster(&mut self, cluster: &Cluster, catalogue: Option<&Catalogue>) {
        self.goes(
            &format!("cluster {} {}", cluster.id, cluster.version),
            Some(Decimal::ZERO),
        );
        for pool in &cluster.node_pools {
            let price = catalogue
                .and_then(|catalogue| catalogue.plan(&pool.plan))
                .map(|plan| plan.price_in(&cluster.region) * Decimal::from(pool.node_quantity));
            self.goes(
                &format!(
                    "node pool {}, {} x {}",
                    pool.label, pool.node_quantity, pool.plan
                ),
                price,
            );
        }
    }

    fn linked(&mut self, linked: &LinkedResources, blocks: &[Block], policy: OnDestroy) {
        for one in &linked.load_balancer {
            let lines = self.side(policy.delete_load_balancers);
            lines.add(
                &format!("load balancer {} {} {}", one.id, one.label, one.ipv4),
                None,
            );
        }
        for one in &linked.block_storage {
            let price = blocks
                .iter()
                .find(|block| block.id == one.id)
                .and_then(|block| block.cost);
            let size = one.size_gb.unwrap_or_default();
            let lines = self.side(policy.delete_volumes);
            lines.add(&format!("volume {} {} {size} GB", one.id, one.label), price);
        }
    }

    fn side(&mut self, goes: bool) -> &mut Tally {
        if goes {
            &mut self.going
        } else {
            &mut self.staying
        }
    }

    fn told(self) -> impl Iterator<Item = Diagnostic> {
        let going = self.going.told("Destroy takes along", "Together");
        let stays = "Destroy leaves behind, and it goes on costing";
        going
            .into_iter()
            .chain(self.staying.told(stays, "Together"))
    }
}

/// Refuses to destroy a finished platform that is protected.
pub(super) fn refuse_protected(state: &Object) -> Result<(), Diagnostics> {
    let protected = state
        .get::<Option<bool>>("deletion_protection")?
        .unwrap_or(true);
    if !protected || Phase::of(state) == Phase::Incomplete {
        return Ok(());
    }
    let name = text(state, "name").unwrap_or_default();
    Err(Fault::new(
        fault::PROTECTED,
        format!("Platform {name} has deletion_protection. Set deletion_protection = false, apply that, then destroy."),
    )
    .at("deletion_protection")
    .into())
}
