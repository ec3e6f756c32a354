//! The plan of a platform: what the account allows, what the constraint resolves to, which components will run.

use ipnet::Ipv4Net;
use run_report::Catalog;
use tfplugin::{Change, Diagnostic, Diagnostics, Object, Plan};
use vultr::{ClusterStatus, Vpc};

use super::schema::CREATE_ONLY;
use super::settings::bad_network;
use super::{Phase, TYPE_NAME, adoption, moved, plan_build, plan_components, plan_nodes};
use crate::fault::{self, Fault};
use crate::import_words::import_words;
use crate::mark::{Mark, PlatformId};
use crate::network;
use crate::price;
use crate::session::Session;

/// Plans a create or an update.
pub(super) async fn plan(catalog: &Catalog, op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    let intent = plan_components::plan(catalog, op)?;
    if let Some(name) = text(&op.planned, "name") {
        op.planned.set("id", name.as_str());
        if let Ok(id) = PlatformId::parse(&name) {
            op.planned.set("mark", id.mark());
        }
    }
    op.planned.set("phase", Phase::Ready.as_str());
    let unfinished = match op.change {
        Change::Create => plan_create(op).await?,
        Change::Update => {
            plan_update(op).await?;
            None
        }
    };
    match intent {
        Some(intent) => plan_components::warn(catalog, op, &intent, unfinished.as_deref()).await,
        None => Ok(()),
    }
}

/// Holds a new platform against the account. Gives the cluster that an earlier, broken-off create has got to work.
async fn plan_create(op: &mut Plan<Session>) -> Result<Option<String>, Diagnostics> {
    adoption::remember(op);
    let (region, name) = (text(&op.planned, "region"), text(&op.planned, "name"));
    let (Some(region), Some(name), false) = (region, name, op.client.is_unknown()) else {
        op.planned.set_unknown("kubernetes_build");
        price::write_unknown(&mut op.planned);
        return Ok(None);
    };
    let Ok(id) = PlatformId::parse(&name) else {
        return Ok(None);
    };
    let session = op.client.clone();
    let (catalogue, vpcs, clusters) =
        tokio::try_join!(session.catalogue(), session.vpcs(), session.clusters())?;
    let unfinished = warn_of_adoption(op, &id, &vpcs);
    let mut problems = Diagnostics::new();
    if let Some(fault) = overlap(&op.planned, &id, &vpcs) {
        problems.append(fault);
    }
    let running = clusters
        .iter()
        .find(|cluster| unfinished && cluster.label == id.mark());
    if let Some(fault) = plan_build::choose(op, running, &catalogue) {
        problems.append(fault);
    }
    match catalogue.region(&region) {
        Ok(_) => {
            session.launches_in(&region);
            problems.collect(plan_nodes::plan(op, &region, running).await);
        }
        Err(fault) => problems.append(fault),
    }
    problems.into_result()?;
    warn_of_the_unchangeable(op);
    let active = running.filter(|cluster| cluster.status == ClusterStatus::Active);
    Ok(active.map(|cluster| cluster.id.clone()))
}

/// Says what will be continued. True if the account holds an unfinished platform of this name.
fn warn_of_adoption(op: &mut Plan<Session>, id: &PlatformId, vpcs: &[Vpc]) -> bool {
    let mut marks = vpcs
        .iter()
        .filter_map(|vpc| Some((vpc, Mark::read(&vpc.description)?)));
    let Some((vpc, mark)) = marks.find(|(_, mark)| mark.platform() == id) else {
        return false;
    };
    match mark {
        Mark::Creating(..) => {
            op.warnings.push(Diagnostic::warning(
                "Platform is incomplete",
                format!(
                    "A create of platform {id} was broken off. Apply continues it from VPC {} on, also where the plan shows a replacement: nothing is deleted, and components that are recorded as done do not run again.",
                    vpc.id
                ),
            ));
            true
        }
        Mark::Finished(_) => {
            op.warnings.push(Diagnostic::warning(
                "Platform exists already",
                format!(
                    "The account holds a finished platform {id} (VPC {}). Unless this plan replaces it, apply will refuse to make a second one. {}",
                    vpc.id,
                    import_words(TYPE_NAME, id.as_str())
                ),
            ));
            false
        }
    }
}

/// Whether another VPC of the account uses addresses of the wanted network.
fn overlap(planned: &Object, id: &PlatformId, vpcs: &[Vpc]) -> Option<Fault> {
    let network = network::parse(&text(planned, "network_cidr")?).ok()?;
    vpcs.iter()
        .filter(|vpc| Mark::read(&vpc.description).is_none_or(|mark| mark.platform() != id))
        .find_map(|vpc| {
            let other = Ipv4Net::new(vpc.v4_subnet, vpc.v4_subnet_mask).ok()?;
            let user = format!(
                "VPC {} ({}) in region {}",
                vpc.id, vpc.description, vpc.region
            );
            network::refuse_overlap(network, other, &user).err()
        })
        .map(|bad| bad_network(&bad))
}

/// Says once, while it can still be had otherwise, what only a new platform could change.
fn warn_of_the_unchangeable(op: &mut Plan<Session>) {
    let settings: Vec<String> = CREATE_ONLY
        .into_iter()
        .filter_map(|name| Some(format!("  {name} = {}", spell(&op.planned, name)?)))
        .collect();
    op.warnings.push(Diagnostic::warning(
        "Settings for good",
        format!(
            "Vultr or the components cannot change these later; another value needs a new platform:\n{}",
            settings.join("\n")
        ),
    ));
}

fn spell(planned: &Object, name: &str) -> Option<String> {
    let text = text(planned, name).map(|text| format!("{text:?}"));
    text.or_else(|| Some(planned.get::<Option<bool>>(name).ok()??.to_string()))
}

/// Holds a change against the account.
async fn plan_update(op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    let Some(prior) = op.prior.clone() else {
        return Ok(());
    };
    let phase = Phase::of(&prior);
    if phase != Phase::Ready {
        plan_what_is_lost(op, &prior);
    }
    if phase == Phase::Incomplete {
        warn_of_continuation(op, &prior);
    }
    moved::announce(op, &prior).await?;
    let mut problems = Diagnostics::new();
    problems.collect(plan_nodes::replan(op, &prior).await);
    if let Some(Some(fault)) = problems.collect(plan_build::keep(op, &prior).await) {
        problems.append(fault);
    }
    if op.replacing()
        && let Some(fault) = refuse_replacement(op, &prior, phase)
    {
        problems.append(fault);
    }
    problems.into_result()
}

fn refuse_replacement(op: &Plan<Session>, prior: &Object, phase: Phase) -> Option<Fault> {
    let protected = prior
        .get::<Option<bool>>("deletion_protection")
        .ok()
        .flatten()
        .unwrap_or(true);
    if phase == Phase::Incomplete || !protected {
        return None;
    }
    let changed: Vec<&str> = CREATE_ONLY
        .into_iter()
        .filter(|name| op.changed(name) && !prior.is_null(name))
        .collect();
    let name = text(prior, "name").unwrap_or_default();
    Some(Fault::new(
        fault::PROTECTED,
        format!(
            "A change of {} needs a new platform, and the old one, {name}, is protected. Take the change back, or set deletion_protection = false and apply that first.",
            changed.join(", ")
        ),
    ).at(changed.first().copied().unwrap_or("name")))
}

/// What a platform lacks is not known before apply.
fn plan_what_is_lost(op: &mut Plan<Session>, prior: &Object) {
    if has_no_cluster(prior) {
        op.planned.set_unknown("cluster_id").set_unknown("endpoint");
    }
    if prior.is_null("vpc_id") {
        op.planned.set_unknown("vpc_id");
    }
}

/// Whether the refresh found no cluster: the id of a lost one stays in the state, its endpoint does not.
pub(super) fn has_no_cluster(prior: &Object) -> bool {
    prior.is_null("endpoint")
}

fn warn_of_continuation(op: &mut Plan<Session>, prior: &Object) {
    op.planned.set_unknown("incarnation");
    let name = text(prior, "name").unwrap_or_default();
    op.warnings.push(Diagnostic::warning(
        "Platform is incomplete",
        format!("Apply continues platform {name} where it was broken off; nothing is deleted."),
    ));
}

/// A text that is set and known.
pub(super) fn text(object: &Object, name: &str) -> Option<String> {
    object.value(name).as_str().map(str::to_owned)
}
