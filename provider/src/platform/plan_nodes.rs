//! The system pool in the plan of a platform: the plan of its nodes, and what the platform costs before and after.

use tfplugin::value::Attr;
use tfplugin::{Diagnostics, Object, Plan, ValueError};
use vultr::Cluster;

use super::launch::Standing;
use super::plan::{has_no_cluster, text};
use super::{plan_upgrade, running_costs, system_pool};
use crate::node_plan::{self, Decision, Place};
use crate::price::{self, Quote};
use crate::session::Session;
use crate::stock::Market;

/// Where the user wrote the plan of the system pool.
pub(super) const PLACE: Place = Place {
    name: "system_pool.plan",
    at: "system_pool",
};

/// Decides the plan of the nodes of a new platform and tells its price. `running` is the cluster that an unfinished create
/// has made.
pub(super) async fn plan(
    op: &mut Plan<Session>,
    region: &str,
    running: Option<&Cluster>,
) -> Result<(), Diagnostics> {
    let running = running.and_then(|cluster| Some(system_pool::of(cluster)?.plan.as_str()));
    if let Some(decision) = decide(op, region, running).await? {
        decision.write_price(&mut op.planned);
        tell(op, &decision, None).await;
    }
    Ok(())
}

/// Decides it again for a platform that exists. A pool whose nodes have a plan that is not accepted any more is replaced.
pub(super) async fn replan(op: &mut Plan<Session>, prior: &Object) -> Result<(), Diagnostics> {
    let lost = has_no_cluster(prior);
    if !op.changed("system_pool") && price::is_told(prior) && !lost {
        return Ok(());
    }
    let Some(region) = text(&op.planned, "region").filter(|_| !op.client.is_unknown()) else {
        return Ok(());
    };
    let running = if lost { None } else { running_plan(prior)? };
    let Some(decision) = decide(op, &region, running.as_deref()).await? else {
        return Ok(());
    };
    let chosen: Attr<String> = op
        .planned
        .get::<Object>("system_pool")?
        .get("chosen_plan")?;
    if let Some(running) = running.filter(|running| chosen != Attr::Known(running.clone()))
        && !op.replacing()
    {
        plan_upgrade::warn_of_replacement(op, prior, &running).await?;
    }
    decision.write_price(&mut op.planned);
    tell(op, &decision, Some(prior)).await;
    Ok(())
}

/// Completes the state of a platform with the plan that its nodes were made with, and the price if the plan had left it open.
pub(super) async fn settle(
    session: &Session,
    standing: &Standing,
    state: &mut Object,
) -> Result<(), Diagnostics> {
    let mut pool: Object = state.get("system_pool")?;
    let Some(plan) = standing.system_plan.as_deref() else {
        return Ok(());
    };
    if pool.is_unknown("chosen_plan") {
        pool.set("chosen_plan", plan);
    }
    let (region, min): (String, u32) = (state.get("region")?, pool.get("min_nodes")?);
    state.set("system_pool", pool);
    node_plan::settle_price(session, &region, plan, min, state).await?;
    Ok(())
}

/// The plan that the nodes of a state have. A state of an earlier release knows the wanted one only.
fn running_plan(prior: &Object) -> Result<Option<String>, ValueError> {
    let Some(pool) = prior.get::<Option<Object>>("system_pool")? else {
        return Ok(None);
    };
    let chosen: Option<String> = pool.get("chosen_plan")?;
    match chosen {
        Some(plan) => Ok(Some(plan)),
        None => pool.get("plan"),
    }
}

async fn decide(
    op: &mut Plan<Session>,
    region: &str,
    running: Option<&str>,
) -> Result<Option<Decision>, Diagnostics> {
    let Attr::Known(mut pool) = op.planned.get::<Attr<Object>>("system_pool")? else {
        price::write_unknown(&mut op.planned);
        return Ok(None);
    };
    let market = Market::of(&op.client, region).await?;
    let decision = node_plan::decide(&mut pool, running, &market, PLACE)?;
    op.planned.set("system_pool", pool);
    Ok(Some(decision))
}

/// Says what changes of the price, and what is not in it. `prior` is the platform that exists.
async fn tell(op: &mut Plan<Session>, decision: &Decision, prior: Option<&Object>) {
    let Some(quote) = decision.quote() else {
        return;
    };
    let before = prior.and_then(price::told);
    if quote == Quote::Sure(before.unwrap_or_default()) {
        return;
    }
    let mut notes = decision.notes();
    notes.extend(on_top(op, prior).await);
    let name = text(&op.planned, "name").unwrap_or_default();
    if let Some(warning) = price::change(("Platform", &name), before, &quote, &notes) {
        op.warnings.push(warning);
    }
}

/// What no line of the price has: as it is paid now, or what is to be expected of a new platform.
async fn on_top(op: &Plan<Session>, prior: Option<&Object>) -> Vec<String> {
    if let Some(prior) = prior {
        let now = running_costs::lines(&op.client, prior).await;
        return now
            .iter()
            .map(|line| format!("on top, as it is now: {line}"))
            .collect();
    }
    let mut notes = Vec::new();
    if let Ok(Attr::Known(true)) = op.planned.get::<Attr<bool>>("high_availability") {
        notes.push("on top: the high-availability control plane, for which Vultr's API names no price before it runs".to_owned());
    }
    notes.push("on top: load balancers and volumes that services in the cluster will ask for, and further pools".to_owned());
    notes
}
