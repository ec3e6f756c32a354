//! The plan of a node pool: what its kind decides, what the account allows, what it costs.

use tfplugin::value::Attr;
use tfplugin::{Change, Diagnostic, Diagnostics, Object, Plan};
use vultr::Cluster;

use super::settings;
use crate::mark::Mark;
use crate::node_plan::{self, Decision, Place};
use crate::pool_kind::PoolKind;
use crate::pool_mark::{self, PoolTags};
use crate::price::{self, Quote};
use crate::session::Session;
use crate::stock::{Accepted, Market};
use crate::surge;

/// Where the user wrote the plan of a pool.
pub(super) const PLACE: Place = Place {
    name: "plan",
    at: "plan",
};

/// Plans a create or an update. A pool that does not change asks the account nothing.
pub(super) async fn plan(op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    settings::complete(&op.config, &mut op.planned);
    if op.change == Change::Create {
        warn(op);
    }
    let same = ["plan", "plan_fallbacks", "min_nodes"]
        .iter()
        .all(|name| !op.changed(name));
    let told = price::is_told(&op.planned) && !op.planned.is_null("chosen_plan");
    if op.change == Change::Create || !same || !told {
        decide(op).await?;
    }
    identify(op).await
}

/// What the account calls the pool, and what it becomes if the pool is replaced.
async fn identify(op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    let name = op.planned.value("name").as_str().map(str::to_owned);
    match op.prior.clone() {
        _ if op.replacing() => return Ok(()),
        None => match name {
            Some(name) => op.planned.set("label", name),
            None => op.planned.set_unknown("label"),
        },
        Some(prior) if is_replaced(op, &prior) => {
            let id: String = prior.get("id")?;
            match name {
                Some(name) => op.planned.set("label", pool_mark::replacement(&name, &id)),
                None => op.planned.set_unknown("label"),
            };
            warn_of_replacement(op, &prior);
            op.planned.set_unknown("id")
        }
        Some(_) => &mut op.planned,
    };
    let carried = op.prior.as_ref().map(|prior| prior.value("mark").clone());
    match owner(op).await? {
        // Whose the cluster is may be settled by this very apply: a platform that takes it over gives it its mark.
        Some(tags)
            if Mark::read(tags.finished()).is_none()
                && carried
                    .as_ref()
                    .is_some_and(|mark| mark.as_str() != Some(tags.finished())) =>
        {
            op.planned.set_unknown("mark")
        }
        Some(tags) => op.planned.set("mark", tags.finished()),
        None if op.change == Change::Create => op.planned.set_unknown("mark"),
        None => &mut op.planned,
    };
    Ok(())
}

/// Whether only another pool can be what is planned.
fn is_replaced(op: &Plan<Session>, prior: &Object) -> bool {
    let running = running_plan(prior);
    op.changed("name")
        || running.is_some_and(|plan| op.planned.value("chosen_plan").as_str() != Some(&plan))
}

fn warn_of_replacement(op: &mut Plan<Session>, prior: &Object) {
    let told = |object: &Object| {
        let name = object.value("name").as_str().unwrap_or("(not known yet)");
        let plan = object
            .value("chosen_plan")
            .as_str()
            .unwrap_or("(not known yet)");
        format!("{name}, {plan}")
    };
    let (before, after) = (told(prior), told(&op.planned));
    op.warnings.push(surge::announcement(&before, &after));
}

/// The tags of the pools of its cluster, if there is a cluster already.
async fn owner(op: &Plan<Session>) -> Result<Option<PoolTags>, Diagnostics> {
    Ok(cluster(op).await?.as_ref().map(PoolTags::of))
}

fn warn(op: &mut Plan<Session>) {
    let kind = op.planned.value("kind").as_str().and_then(PoolKind::named);
    if let Some(caution) = kind.and_then(|kind| kind.caution) {
        op.warnings
            .push(Diagnostic::warning("Good to know about this kind of pool", caution).at("kind"));
    }
}

/// Holds the plan against the account and tells the price.
async fn decide(op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    price::write_unknown(&mut op.planned);
    if op.client.is_unknown() {
        op.planned.set_unknown("chosen_plan");
        return Ok(());
    }
    let session = op.client.clone();
    let running = op.prior.as_ref().and_then(running_plan);
    match (region(op).await?, session.launch_region()) {
        (Some(region), _) => {
            let market = Market::of(&session, &region).await?;
            let decision = node_plan::decide(&mut op.planned, running.as_deref(), &market, PLACE)?;
            decision.write_price(&mut op.planned);
            tell(op, &decision, decision.quote(), None);
        }
        (None, Some(region)) => {
            let market = Market::of(&session, &region).await?;
            let decision = node_plan::decide(&mut op.planned, None, &market, PLACE)?;
            let quote = decision.quote().map(Quote::unsure);
            let note = format!(
                "its cluster does not exist yet: this is the price in region {region}, where this plan makes a platform"
            );
            tell(op, &decision, quote, Some(note));
        }
        (None, None) => without_region(op).await?,
    }
    Ok(())
}

/// All that can be said while nobody knows where the pool will be.
async fn without_region(op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    op.planned.set_unknown("chosen_plan");
    let Some(accepted) = Accepted::read(&op.planned)? else {
        return Ok(());
    };
    let catalogue = op.client.catalogue().await?;
    accepted.check(&catalogue, PLACE.name, PLACE.at)?;
    if !accepted.leaves_a_choice() {
        let plan = op.planned.value("plan").clone();
        op.planned.set("chosen_plan", plan);
    }
    Ok(())
}

/// The plan that the nodes of a state have. A state of an earlier release knows the wanted one only.
fn running_plan(prior: &Object) -> Option<String> {
    let text = |name: &str| prior.value(name).as_str().map(str::to_owned);
    text("chosen_plan").or_else(|| text("plan"))
}

fn tell(op: &mut Plan<Session>, decision: &Decision, quote: Option<Quote>, note: Option<String>) {
    let Some(quote) = quote else {
        return;
    };
    let mut notes = decision.notes();
    notes.extend(note);
    let name = op.planned.value("name").as_str().unwrap_or_default();
    let before = op.prior.as_ref().and_then(price::told);
    if let Some(warning) = price::change(("Node pool", name), before, &quote, &notes) {
        op.warnings.push(warning);
    }
}

/// The region of the cluster, if there is a cluster already.
async fn region(op: &Plan<Session>) -> Result<Option<String>, Diagnostics> {
    Ok(cluster(op).await?.map(|cluster| cluster.region))
}

async fn cluster(op: &Plan<Session>) -> Result<Option<Cluster>, Diagnostics> {
    let Attr::Known(id) = op.planned.get::<Attr<String>>("cluster_id")? else {
        return Ok(None);
    };
    if op.client.is_unknown() {
        return Ok(None);
    }
    let clusters = op.client.clusters().await?;
    Ok(clusters.iter().find(|one| one.id == id).cloned())
}
