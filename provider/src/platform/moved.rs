//! A platform that begins as a cluster or a network of the vendor's Terraform provider.
//!
//! Such a platform has no name until its first plan: the name stands in the configuration, and a move does not see that.
//! Until its first apply it is known by the ids of its cluster and VPC alone, and it carries no mark.

use tfplugin::{Diagnostic, Diagnostics, MoveSource, Object, Plan, Update};
use vultr::{Cluster, Vpc};

use super::plan::text;
use super::read::{read_cluster, read_vpc};
use super::status::Statuses;
use super::{Phase, system_pool};
use crate::fault::{self, Fault};
use crate::mark::{Mark, PlatformId};
use crate::moved::{Source, Stored};
use crate::pool_kind::SYSTEM;
use crate::session::{Session, cloud};

/// The first state of a platform that comes over.
pub(super) fn from(source: &MoveSource) -> Result<Option<Object>, Diagnostics> {
    let kind = match Source::of(source) {
        Some(kind @ (Source::Cluster | Source::Vpc)) => kind,
        Some(Source::NodePool) | None => return Ok(None),
    };
    let stored = Stored::read(kind, source)?;
    let mut state = Object::new()
        .with("deletion_protection", true)
        .with("phase", Phase::Unsettled.as_str())
        .with("component_status", Statuses::new())
        .with("region", stored.text("region").map(str::to_lowercase));
    let id = stored.required("id")?;
    match kind {
        Source::Cluster => {
            state
                .set("cluster_id", id)
                .set("vpc_id", stored.text("vpc_id"))
                .set("mark", stored.text("label"))
                .set("kubernetes_build", stored.text("version"))
                .set(
                    "high_availability",
                    stored.flag("ha_controlplanes").unwrap_or(false),
                );
        }
        Source::Vpc | Source::NodePool => {
            let network = stored
                .text("v4_subnet")
                .zip(stored.number("v4_subnet_mask"))
                .map(|(address, length)| format!("{address}/{length}"));
            state
                .set("vpc_id", id)
                .set("mark", stored.text("description"))
                .set("network_cidr", network);
        }
    }
    Ok(Some(state))
}

/// Whether a state is that of a platform that came over and was not applied since.
pub(super) fn is_nameless(state: &Object) -> bool {
    state.is_null("id")
}

/// Refuses what needs a name.
pub(super) fn require_name(state: &Object) -> Result<(), Fault> {
    if !is_nameless(state) {
        return Ok(());
    }
    Err(Fault::new(
        fault::NOT_OURS,
        "This platform came over by a moved block and was not applied since, so nothing of it carries a mark and nothing is deleted. Apply first; or forget it with `terraform state rm` and delete it in the Vultr console.",
    ))
}

/// The state of a nameless platform as it is now; nothing if cluster and network are both gone.
pub(super) async fn look(
    session: &Session,
    mut state: Object,
) -> Result<Option<Object>, Diagnostics> {
    let cluster = cluster_of(session, &state).await?;
    let network = text(&state, "vpc_id").or_else(|| {
        let first = cluster.as_ref()?.vpcs.first()?;
        Some(first.id.clone())
    });
    let vpc = match network {
        Some(id) => session
            .vultr()
            .await?
            .vpc(&id)
            .await
            .map_err(|error| cloud(&format!("reading VPC {id}"), &error))?,
        None => None,
    };
    if vpc.is_none() && cluster.is_none() {
        return Ok(None);
    }
    read_vpc(&mut state, vpc.as_ref());
    read_cluster(&mut state, cluster.as_ref())?;
    if cluster.is_none() {
        state.set_null("cluster_id");
    }
    state.set("mark", carried(vpc.as_ref(), cluster.as_ref()));
    Ok(Some(state))
}

async fn cluster_of(session: &Session, state: &Object) -> Result<Option<Cluster>, Fault> {
    let Some(id) = text(state, "cluster_id") else {
        return Ok(None);
    };
    let found = session.vultr().await?.cluster(&id).await;
    found.map_err(|error| cloud(&format!("reading cluster {id}"), &error))
}

/// What stands where the mark will stand.
fn carried(vpc: Option<&Vpc>, cluster: Option<&Cluster>) -> String {
    cluster
        .map(|one| one.label.clone())
        .or_else(|| vpc.map(|one| one.description.clone()))
        .unwrap_or_default()
}

/// Says in the plan what becomes of a platform that came over.
pub(super) async fn announce(op: &mut Plan<Session>, prior: &Object) -> Result<(), Diagnostics> {
    if !is_nameless(prior) || op.client.is_unknown() {
        return Ok(());
    }
    let session = op.client.clone();
    let mark = text(&op.planned, "mark").unwrap_or_default();
    let mut lines = Vec::new();
    if let Some(vpc) = text(prior, "vpc_id") {
        lines.push(format!(
            "VPC {vpc} gets the description {mark:?}: it is the platform's from then on."
        ));
    } else {
        lines.push("Which VPC the cluster is in is not known, so apply will refuse: move vultr_vpc, or import the platform after marking both in the Vultr console.".to_owned());
    }
    match cluster_of(&session, prior).await? {
        Some(cluster) => {
            lines.push(format!(
                "Cluster {} gets the label {mark:?} in place of {:?}.",
                cluster.id, cluster.label
            ));
            if system_pool::of(&cluster).is_none() {
                lines.push(format!(
                    "A node pool {} is added, for the components.",
                    SYSTEM.name
                ));
            }
            for pool in &cluster.node_pools {
                if pool.label != SYSTEM.name {
                    lines.push(format!(
                        "Node pool {} ({} x {}) stays as it is. To manage it, declare a slipway_node_pool and import {}/{}; when its workloads have moved, delete it there.",
                        pool.label, pool.node_quantity, pool.plan, cluster.id, pool.id
                    ));
                }
            }
        }
        None => lines.push("A cluster is made in this network.".to_owned()),
    }
    if op.replacing() {
        lines.push("A setting that only a new platform can have otherwise differs from what runs: write the region, high_availability and network_cidr of what runs, or it would be replaced.".to_owned());
    }
    op.warnings.push(Diagnostic::warning(
        "Platform is taken over from the vendor's provider",
        format!(
            "{}\nEarlier versions of this state, and its backups, hold the kubeconfig that the vendor's provider stored: delete them when the move is done.",
            lines.join("\n")
        ),
    ));
    Ok(())
}

/// Makes sure that the objects that came over can be given this platform's mark: nobody else has it, and they have nobody
/// else's.
pub(super) async fn require_free(op: &Update<Session>) -> Result<(), Diagnostics> {
    if !is_nameless(&op.prior) {
        return Ok(());
    }
    let name: String = op.planned.get("name")?;
    let client = op.client.vultr().await?;
    let (vpcs, clusters) = tokio::try_join!(client.vpcs(), client.clusters())
        .map_err(|error| cloud("looking for what carries the mark", &error))?;
    let (vpc, cluster) = (text(&op.prior, "vpc_id"), text(&op.prior, "cluster_id"));
    let marked = vpcs
        .iter()
        .map(|one| ("VPC", &one.id, &one.description, vpc.as_ref()))
        .chain(
            clusters
                .iter()
                .map(|one| ("cluster", &one.id, &one.label, cluster.as_ref())),
        );
    for (kind, id, carries, ours) in marked {
        let Some(mark) = Mark::read(carries) else {
            continue;
        };
        let is_ours = Some(id) == ours;
        if is_name(mark.platform(), &name) && !is_ours {
            return Err(Fault::new(
                fault::PLATFORM_EXISTS,
                format!("The account holds a platform {name} already ({kind} {id}), so what came over cannot be given its mark. Choose another name."),
            )
            .at("name")
            .into());
        }
        if !is_name(mark.platform(), &name) && is_ours {
            return Err(Fault::new(
                fault::NOT_OURS,
                format!("The {kind} {id} that came over carries the mark {carries:?} of platform {}. Remove the moved block, and import that platform.", mark.platform()),
            )
            .into());
        }
    }
    Ok(())
}

fn is_name(platform: &PlatformId, name: &str) -> bool {
    platform.as_str() == name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moved::tests::source;
    use serde_json::json;

    const VENDOR: &str = "registry.terraform.io/vultr/vultr";

    #[test]
    fn no_secret_of_the_vendors_state_comes_over() {
        let state = json!({
            "id": "c1", "label": "prod", "region": "AMS", "version": "v1.36.5+1", "vpc_id": "v1", "ha_controlplanes": true,
            "kube_config": "canary-1", "cluster_ca_certificate": "canary-2", "client_certificate": "canary-3", "client_key": "canary-4",
            "node_pools": [{"id": "p1", "label": "workers", "plan": "vc2-2c-4gb", "node_quantity": 3, "tag": "tf-vke-default"}],
        });
        let moved = from(&source(VENDOR, "vultr_kubernetes", 1, state))
            .unwrap()
            .unwrap();
        assert!(!format!("{moved:?}").contains("canary"), "{moved:?}");
        for (name, text) in [
            ("cluster_id", "c1"),
            ("vpc_id", "v1"),
            ("region", "ams"),
            ("mark", "prod"),
            ("phase", "unsettled"),
        ] {
            assert_eq!(moved.value(name).as_str(), Some(text), "{name}");
        }
        assert!(is_nameless(&moved) && moved.is_null("name"));
        assert!(require_name(&moved).is_err());
    }

    #[test]
    fn a_network_comes_over_without_a_cluster_and_a_pool_does_not() {
        let state = json!({"id": "v1", "region": "ams", "description": "old", "v4_subnet": "10.9.0.0", "v4_subnet_mask": 20});
        let moved = from(&source(VENDOR, "vultr_vpc", 0, state))
            .unwrap()
            .unwrap();
        assert_eq!(moved.value("network_cidr").as_str(), Some("10.9.0.0/20"));
        assert!(moved.is_null("cluster_id"));
        assert!(
            from(&source(VENDOR, "vultr_kubernetes_node_pools", 1, json!({})))
                .unwrap()
                .is_none()
        );
        assert!(
            from(&source(
                "registry.terraform.io/acme/acme",
                "vultr_vpc",
                0,
                json!({"id": "v"})
            ))
            .unwrap()
            .is_none()
        );
    }
}
