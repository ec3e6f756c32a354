//! The plan of a platform: what the account allows, what the constraint resolves to, which components will run.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use run_report::{Catalog, Reason, Wanted};
use rust_decimal::prelude::ToPrimitive;
use tfplugin::value::Attr;
use tfplugin::{Action, Diagnostic, Diagnostics, Object, Plan, PlanDestroy};
use vultr::{Cluster, Vpc};

use super::components::{self, ComponentSetting, Statuses};
use super::schema::CREATE_ONLY;
use super::settings::{bad_network, on_destroy};
use super::{Phase, adoption};
use crate::fault::{self, Fault};
use crate::kubernetes_version::Constraint;
use crate::mark::{Mark, PlatformId};
use crate::network;
use crate::session::{Session, all_of};

/// Plans a create or an update.
pub(super) async fn plan(catalog: &Catalog, op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    plan_components(catalog, op)?;
    if let Some(name) = text(&op.planned, "name") {
        op.planned.set("id", name.as_str());
        if let Ok(id) = PlatformId::parse(&name) {
            op.planned.set("mark", id.mark());
        }
    }
    op.planned.set("phase", Phase::Ready.as_str());
    match op.action {
        Action::Create => plan_create(op).await,
        Action::Update => plan_update(op).await,
    }
}

/// Resolves what is wanted of the components, and says which will run and why.
fn plan_components(catalog: &Catalog, op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    let known = op.planned.value("components").is_wholly_known()
        && op
            .planned
            .value("component_secrets_wo_version")
            .is_wholly_known();
    if !known {
        op.planned.set_unknown("component_status");
        return Ok(());
    }
    let wanted = wanted(catalog, &op.planned)?;
    let statuses = components::planned_statuses(catalog, &wanted);
    let before = op
        .prior
        .as_ref()
        .map(|prior| prior.get::<Option<Statuses>>("component_status"))
        .transpose()?
        .flatten();
    warn_of_runs(catalog, op, &wanted, before.as_ref());
    op.planned.set("component_status", statuses);
    Ok(())
}

/// The enabled components of a planned state, with their digests.
pub(super) fn wanted(
    catalog: &Catalog,
    planned: &Object,
) -> Result<BTreeMap<String, Wanted>, Diagnostics> {
    let settings: Option<BTreeMap<String, ComponentSetting>> = planned.get("components")?;
    let version: Option<u64> = planned.get("component_secrets_wo_version")?;
    let requests = components::requests(catalog, &settings.unwrap_or_default());
    catalog
        .wanted(&requests, version.unwrap_or(0))
        .map_err(|error| {
            Fault::new(fault::BAD_COMPONENT, format!("components: {error}."))
                .at("components")
                .into()
        })
}

fn warn_of_runs(
    catalog: &Catalog,
    op: &mut Plan<Session>,
    wanted: &BTreeMap<String, Wanted>,
    before: Option<&Statuses>,
) {
    let none = Statuses::new();
    let cluster = op
        .prior
        .as_ref()
        .and_then(|prior| text(prior, "cluster_id"));
    let due = match cluster.and_then(|cluster| op.client.seen_journal(&cluster)) {
        Some(records) => components::due(wanted, &records),
        None => components::due_by_state(wanted, before.unwrap_or(&none)),
    };
    if !due.is_empty() {
        op.warnings.push(Diagnostic::warning(
            "Playbooks will run",
            format!(
                "In this order of dependence:\n{}",
                list_runs(catalog, wanted, &due)
            ),
        ));
    }
    let left: Vec<&str> = before
        .unwrap_or(&none)
        .keys()
        .filter(|name| !wanted.contains_key(*name))
        .map(String::as_str)
        .collect();
    if !left.is_empty() {
        op.warnings.push(Diagnostic::warning(
            "Components stay installed",
            format!("{} will no longer be managed. Slipway does not uninstall a component; remove its chart with Helm if it shall go.", left.join(", ")),
        ));
    }
    warn_of_secrets(catalog, op);
}

fn list_runs(
    catalog: &Catalog,
    wanted: &BTreeMap<String, Wanted>,
    due: &BTreeMap<String, Reason>,
) -> String {
    let line = |(name, reason): (&String, &Reason)| {
        let chart = catalog
            .get(name)
            .map(|component| component.chart.name.as_str())
            .unwrap_or_default();
        let version = wanted
            .get(name)
            .map(|one| one.version.as_str())
            .unwrap_or_default();
        format!(
            "  {name}  {chart} {version}  ({})",
            components::spell(*reason)
        )
    };
    due.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn warn_of_secrets(catalog: &Catalog, op: &mut Plan<Session>) {
    let Ok(Attr::Known(secrets)) = op
        .config
        .get::<Attr<BTreeMap<String, tfplugin::Value>>>("component_secrets_wo")
    else {
        return;
    };
    let read: Vec<&str> = catalog
        .iter()
        .flat_map(|(_, component)| component.secrets.iter().map(String::as_str))
        .collect();
    let unread: Vec<&str> = secrets
        .keys()
        .map(String::as_str)
        .filter(|name| !read.contains(name))
        .collect();
    if !unread.is_empty() {
        op.warnings.push(Diagnostic::warning(
            format!(
                "{} ({})",
                fault::BAD_SECRETS.summary,
                fault::BAD_SECRETS.code
            ),
            format!(
                "No component reads {}. Read are: {}.",
                unread.join(", "),
                read.join(", ")
            ),
        ));
    }
}

async fn plan_create(op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    adoption::remember(op);
    let (Some(region), Some(name)) = (text(&op.planned, "region"), text(&op.planned, "name"))
    else {
        op.planned
            .set_unknown("kubernetes_build")
            .set_unknown("monthly_price");
        return Ok(());
    };
    let Ok(id) = PlatformId::parse(&name) else {
        return Ok(());
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
    all_of(faults)
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

async fn plan_update(op: &mut Plan<Session>) -> Result<(), Diagnostics> {
    let Some(prior) = op.prior.clone() else {
        return Ok(());
    };
    let phase = Phase::of(&prior);
    let mut faults = Vec::new();
    if op.replacing() {
        faults.extend(refuse_replacement(op, &prior, phase));
    }
    if phase == Phase::Incomplete {
        warn_of_continuation(op, &prior);
    }
    faults.extend(keep_build(op, &prior).await?);
    if op.changed("system_pool")
        && !op.replacing()
        && let Some(region) = text(&op.planned, "region")
    {
        // The nodes are there already: what is in stock now does not matter to them.
        faults.extend(plan_price(op, &region, false).await?);
    }
    all_of(faults)
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

/// What an unfinished platform still lacks is not known before apply.
fn warn_of_continuation(op: &mut Plan<Session>, prior: &Object) {
    for name in ["cluster_id", "vpc_id", "endpoint"] {
        if prior.is_null(name) {
            op.planned.set_unknown(name);
        }
    }
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
        Some(build) if constraint.accepts(&build) => {
            op.planned.set("kubernetes_build", build);
            Ok(None)
        }
        Some(build) if !prior.is_null("cluster_id") => Ok(Some(
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

/// Plans a destroy: refuses while the platform is protected, and says what goes and what stays.
pub(super) async fn plan_destroy(op: &mut PlanDestroy<Session>) -> Result<(), Diagnostics> {
    refuse_protected(&op.prior)?;
    let Some(cluster) = text(&op.prior, "cluster_id") else {
        return Ok(());
    };
    let linked = op
        .client
        .vultr()
        .await?
        .linked_resources(&cluster)
        .await
        .map_err(|error| {
            crate::session::cloud(&format!("listing what cluster {cluster} made"), &error)
        })?;
    let Some(linked) = linked else {
        return Ok(());
    };
    let policy = on_destroy(&op.prior)?;
    let balancers = linked
        .load_balancer
        .iter()
        .map(|one| format!("  load balancer {} {} {}", one.id, one.label, one.ipv4));
    let volumes = linked.block_storage.iter().map(|one| {
        format!(
            "  volume {} {} {} GB",
            one.id,
            one.label,
            one.size_gb.unwrap_or_default()
        )
    });
    let (mut go, mut stay) = (Vec::new(), Vec::new());
    for (deleted, lines) in [
        (policy.delete_load_balancers, balancers.collect::<Vec<_>>()),
        (policy.delete_volumes, volumes.collect()),
    ] {
        if deleted {
            go.extend(lines)
        } else {
            stay.extend(lines)
        }
    }
    for (summary, lines) in [
        ("Destroy takes along", go),
        ("Destroy leaves behind, and it goes on costing", stay),
    ] {
        if !lines.is_empty() {
            op.warnings
                .push(Diagnostic::warning(summary, lines.join("\n")));
        }
    }
    Ok(())
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

/// A text that is set and known.
pub(super) fn text(object: &Object, name: &str) -> Option<String> {
    object.value(name).as_str().map(str::to_owned)
}
