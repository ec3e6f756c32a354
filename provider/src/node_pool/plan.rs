//! The plan of a node pool: what its kind decides, what the account allows, what it costs.

use rust_decimal::prelude::ToPrimitive;
use tfplugin::value::Attr;
use tfplugin::{Change, Diagnostic, Diagnostics, Plan};

use super::settings;
use crate::pool_kind::PoolKind;
use crate::session::Session;

/// Plans a create or an update. A pool that does not change asks the account nothing.
pub(super) async fn plan(op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    settings::complete(&op.config, &mut op.planned);
    let priced = op.change == Change::Update
        && !op.changed("min_nodes")
        && !op.changed("plan")
        && !op.planned.is_null("monthly_price");
    if priced {
        return Ok(());
    }
    if op.change == Change::Create {
        warn(op);
    }
    check_plan(op).await
}

fn warn(op: &mut Plan<Session>) {
    let kind = op.planned.value("kind").as_str().and_then(PoolKind::named);
    if let Some(caution) = kind.and_then(|kind| kind.caution) {
        op.warnings
            .push(Diagnostic::warning("Good to know about this kind of pool", caution).at("kind"));
    }
}

/// Holds the plan against the account and tells the price.
async fn check_plan(op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    op.planned.set_unknown("monthly_price");
    let Attr::Known(plan) = op.planned.get::<Attr<String>>("plan")? else {
        return Ok(());
    };
    if op.client.is_unknown() {
        return Ok(());
    }
    let session = op.client.clone();
    let catalogue = session.catalogue().await?;
    let Some(region) = region(op).await? else {
        catalogue.known_plan(&plan, "plan", "plan")?;
        return Ok(());
    };
    let offer = if op.changed("plan") {
        let stock = session.stock(&region).await?;
        Some(catalogue.node_plan(&plan, &region, &stock, "plan", "plan")?)
    } else {
        catalogue.plans.iter().find(|offer| offer.id == plan)
    };
    let price = offer.and_then(|offer| offer.price_in(&region).to_f64());
    match (price, op.planned.get::<Attr<u32>>("min_nodes")?) {
        (Some(price), Attr::Known(min)) => op.planned.set("monthly_price", price * f64::from(min)),
        (Some(_), _) => op.planned.set_unknown("monthly_price"),
        (None, _) => op.planned.set_null("monthly_price"),
    };
    Ok(())
}

/// The region of the cluster, if there is a cluster already.
async fn region(op: &Plan<Session>) -> Result<Option<String>, Diagnostics> {
    let Attr::Known(cluster) = op.planned.get::<Attr<String>>("cluster_id")? else {
        return Ok(None);
    };
    let clusters = op.client.clusters().await?;
    Ok(clusters
        .iter()
        .find(|one| one.id == cluster)
        .map(|one| one.region.clone()))
}
