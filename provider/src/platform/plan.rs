//! The plan of a platform: what the account allows, what the constraint resolves to, which components will run.

use ipnet::Ipv4Net;
use run_report::Catalog;
use rust_decimal::prelude::ToPrimitive;
use tfplugin::value::Attr;
use tfplugin::{Change, Diagnostic, Diagnostics, Object, Plan};
use vultr::{Cluster, ClusterStatus, Vpc};

use super::schema::CREATE_ONLY;
use super::settings::bad_network;
use super::{Phase, adoption, plan_components};
use crate::fault::{self, Fault};
use crate::kubernetes_version::Constraint;
use crate::mark::{Mark, PlatformId};
use crate::network;
use crate::session::{Session, all_of};

/// Plans a create or an update.
pub(super) async fn plan(catalog: &Catalog, op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    let wanted = plan_components::plan(catalog, op)?;
    if let Some(name) = text(&op.planned, "name") {
        op.planned.set("id", name.as_str());
        if let Ok(id) = PlatformId::parse(&name) {
            op.planned.set("mark", id.mark());
        }
    }
    op.planned.set("phase", Phase::Ready.as_str());
    let cluster = match op.change {
        Change::Create => plan_create(op).await?,
        Change::Update => plan_update(op).await?,
    };
    match wanted {
        Some(wanted) => plan_components::warn(catalog, op, &wanted, cluster.as_deref()).await,
        None => Ok(()),
    }
}

/// Holds a new platform against the account. Gives the cluster that an earlier, broken-off create has got to work.
async fn plan_create(op: &mut Plan<Session>) -> Result<Option<String>, Diagnostics> {
    adoption::remember(op);
    let (region, name) = (text(&op.planned, "region"), text(&op.planned, "name"));
    let (Some(region), Some(name), false) = (region, name, op.client.is_unknown()) else {
        op.planned
            .set_unknown("kubernetes_build")
            .set_unknown("monthly_price");
        return Ok(None);
    };
    let Ok(id) = PlatformId::parse(&name) else {
        return Ok(None);
    };
    let session = op.client.clone();
    let (catalogue, vpcs, clusters) =
        tokio::try_join!(session.catalogue(), session.vpcs(), session.clusters())?;
    let unfinished = warn_of_adoption(op, &id, &vpcs);
    let region_fault = catalogue.region(&region).err();
    let known_region = region_fault.is_none();
    let mut faults: Vec<Fault> = region_fault.into_iter().collect();
    faults.extend(overlap(&op.planned, &id, &vpcs));
    let running = clusters
        .iter()
        .find(|cluster| unfinished && cluster.label == id.mark());
    faults.extend(plan_build(op, running, |constraint| {
        catalogue.build(constraint).map(str::to_owned)
    }));
    if known_region {
        faults.extend(plan_price(op, &region, running.is_none()).await?);
    }
    all_of(faults)?;
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
                    "The account holds a finished platform {id} (VPC {}). Unless this plan replaces it, apply will refuse to make a second one: take it over with `terraform import <address> {id}`.",
                    vpc.id
                ),
            ));
            false
        }
    }
}

/// Resolves the constraint, or keeps the build that runs.
fn plan_build(
    op: &mut Plan<Session>,
    running: Option<&Cluster>,
    resolve: impl FnOnce(&Constraint) -> Result<String, Fault>,
) -> Option<Fault> {
    let Some(text) = text(&op.planned, "kubernetes_version") else {
        op.planned.set_unknown("kubernetes_build");
        return None;
    };
    let constraint = Constraint::parse(&text).ok()?;
    let kept = running
        .map(|cluster| cluster.version.clone())
        // From Terraform 1.16 on the first plan's choice comes back, so a build that appears in between changes nothing.
        .or_else(|| op.private.get::<String>("build"))
        .filter(|build| constraint.accepts(build));
    match kept.map_or_else(|| resolve(&constraint), Ok) {
        Ok(build) => {
            op.planned.set("kubernetes_build", build.as_str());
            // A text always has a JSON form.
            let _ = op.private.set("build", &build);
            None
        }
        Err(fault) => Some(fault),
    }
}

/// Checks the system pool's plan and tells what its nodes cost.
async fn plan_price(
    op: &mut Plan<Session>,
    region: &str,
    check_stock: bool,
) -> Result<Option<Fault>, Diagnostics> {
    let pool: Attr<Object> = op.planned.get("system_pool")?;
    let (plan, min) = match pool {
        Attr::Known(pool) => (
            pool.get::<Attr<String>>("plan")?.known(),
            pool.get::<Attr<u32>>("min_nodes")?.known(),
        ),
        Attr::Null | Attr::Unknown => (None, None),
    };
    let Some(plan) = plan else {
        op.planned.set_unknown("monthly_price");
        return Ok(None);
    };
    let catalogue = op.client.catalogue().await?;
    let price = if check_stock {
        let stock = op.client.stock(region).await?;
        match catalogue.node_plan(&plan, region, &stock, "system_pool.plan", "system_pool") {
            Ok(offer) => Some(offer.price_in(region)),
            Err(fault) => return Ok(Some(fault)),
        }
    } else {
        catalogue
            .plans
            .iter()
            .find(|offer| offer.id == plan)
            .map(|offer| offer.price_in(region))
    };
    match (price.and_then(|price| price.to_f64()), min) {
        (Some(price), Some(min)) => op.planned.set("monthly_price", price * f64::from(min)),
        (Some(_), None) => op.planned.set_unknown("monthly_price"),
        (None, _) => op.planned.set_null("monthly_price"),
    };
    Ok(None)
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

/// Holds a change against the account. Gives the platform's cluster.
async fn plan_update(op: &mut Plan<Session>) -> Result<Option<String>, Diagnostics> {
    let Some(prior) = op.prior.clone() else {
        return Ok(None);
    };
    let phase = Phase::of(&prior);
    let mut faults = Vec::new();
    if op.replacing() {
        faults.extend(refuse_replacement(op, &prior, phase));
    }
    if phase != Phase::Ready {
        plan_what_is_lost(op, &prior);
    }
    if phase == Phase::Incomplete {
        warn_of_continuation(op, &prior);
    }
    faults.extend(keep_build(op, &prior).await?);
    if (op.changed("system_pool") || prior.is_null("monthly_price"))
        && !op.replacing()
        && let Some(region) = text(&op.planned, "region")
    {
        // The nodes are there already: what is in stock now does not matter to them.
        faults.extend(plan_price(op, &region, false).await?);
    }
    all_of(faults)?;
    Ok(text(&prior, "cluster_id"))
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
        .chain(["system_pool"])
        .filter(|name| op.changed(name))
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
fn has_no_cluster(prior: &Object) -> bool {
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

/// The running build stays; a constraint that it does not satisfy is refused, not answered by a new platform.
async fn keep_build(op: &mut Plan<Session>, prior: &Object) -> Result<Option<Fault>, Diagnostics> {
    let Some(written) = text(&op.planned, "kubernetes_version") else {
        return Ok(None);
    };
    let Ok(constraint) = Constraint::parse(&written) else {
        return Ok(None);
    };
    match text(prior, "kubernetes_build") {
        Some(build) if constraint.accepts(&build) && !has_no_cluster(prior) => {
            op.planned.set("kubernetes_build", build);
            Ok(None)
        }
        Some(build) if !has_no_cluster(prior) => Ok(Some(
            Fault::new(
                fault::BUILD_CHANGE,
                format!(
                    "kubernetes_version = \"{written}\", and the cluster runs {build}. This release does not upgrade a running cluster: write a constraint that {build} satisfies, or upgrade the cluster in the Vultr console and plan again."
                ),
            )
            .at("kubernetes_version"),
        )),
        _ => {
            let catalogue = op.client.catalogue().await?;
            Ok(plan_build(op, None, |constraint| catalogue.build(constraint).map(str::to_owned)))
        }
    }
}

/// A text that is set and known.
pub(super) fn text(object: &Object, name: &str) -> Option<String> {
    object.value(name).as_str().map(str::to_owned)
}
