//! `slipway_upgrade`: raises a platform's cluster on request and tells how far it is.

use std::time::Duration;

use tfplugin::value::Attr;
use tfplugin::{
    Action, Attribute, Diagnostic, Diagnostics, Invoke, Object, PlanAction, Schema, async_trait,
};
use vultr::Cluster;

use crate::allowance::Allowance;
use crate::duration;
use crate::environments::cluster_of;
use crate::fault::{self, Fault};
use crate::kubernetes_version::Constraint;
use crate::mark::PlatformId;
use crate::platform::settings::known;
use crate::session::Session;
use crate::upgrade::{self, Upgrade};

/// How long it may take unless the action says otherwise.
const WITHIN: Duration = Duration::from_hours(1);

/// The action type.
pub(crate) struct UpgradeAction;

#[async_trait]
impl Action<Session> for UpgradeAction {
    fn type_name(&self) -> &'static str {
        "slipway_upgrade"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe(
                "Raises the Kubernetes of a platform's cluster and shows its progress: what the control plane says, and how many nodes are still to come. \
                 It goes only to a build that Vultr offers for the cluster, waits until every node has it and is ready, and does nothing if the cluster \
                 has it already. A change of `kubernetes_version` of `slipway_platform` does the same without the progress; after this action that \
                 constraint must accept the new build. Needs Terraform 1.14.",
            )
            .attribute("platform_id", Attribute::string().required().describe("Id of the platform."))
            .attribute(
                "kubernetes_version",
                Attribute::string()
                    .required()
                    .describe("Version constraint, as in `slipway_platform`: the newest build on offer that satisfies it is taken."),
            )
            .attribute("timeout", Attribute::string().optional().describe("How long it may take, as `45m` or `1h30m`. Default `1h`."))
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let mut faults = Diagnostics::new();
        if let Some(text) = known::<String>(config, "kubernetes_version", &mut faults)
            && let Err(bad) = Constraint::parse(&text)
        {
            faults.append(bad_version(&bad.to_string()));
        }
        check_names(config, &mut faults);
        faults
    }

    async fn plan(&self, op: &mut PlanAction<Session>) -> Result<(), Diagnostics> {
        let settled = ["platform_id", "kubernetes_version"]
            .iter()
            .all(|name| op.config.is_known(name));
        if !settled || op.client.is_unknown() {
            return Ok(());
        }
        let id = platform_of(&op.config)?;
        let Some(cluster) = cluster_of(&op.client, &id, None).await? else {
            return Ok(());
        };
        if let Some(to) = target(&op.client, &op.config, &cluster).await? {
            op.warnings
                .push(upgrade::announcement(&cluster.version, &to));
        }
        Ok(())
    }

    async fn invoke(&self, op: &mut Invoke<Session>) -> Result<(), Diagnostics> {
        let id = platform_of(&op.config)?;
        let cluster = cluster_of(&op.client, &id, None).await?;
        let cluster = cluster.ok_or_else(|| no_cluster(&id))?;
        let Some(to) = target(&op.client, &op.config, &cluster).await? else {
            op.progress.say(format!(
                "cluster {} runs {} already",
                cluster.id, cluster.version
            ));
            return Ok(());
        };
        let progress = op.progress.clone();
        let tell = move |line: &str| progress.say(line);
        let upgrade = Upgrade {
            session: &op.client,
            client: op.client.vultr().await?,
            cluster: &cluster.id,
            to: &to,
            allowance: Allowance::new(timeout(&op.config, WITHIN)?, &op.stop),
            tell: &tell,
        };
        let done = upgrade.run().await;
        op.client.changed(Some(&cluster.id));
        let done = done?;
        op.progress.say(format!(
            "cluster {} and all its nodes are at {}",
            done.id, done.version
        ));
        Ok(())
    }
}

/// The build to go to; nothing if the cluster has one that will do and nothing is going on.
async fn target(
    session: &Session,
    config: &Object,
    cluster: &Cluster,
) -> Result<Option<String>, Diagnostics> {
    let text: String = config.get("kubernetes_version")?;
    let constraint = Constraint::parse(&text).map_err(|bad| bad_version(&bad.to_string()))?;
    if let Some(begun) = upgrade::going_on(cluster)
        && constraint.accepts(begun)
    {
        return Ok(Some(begun.to_owned()));
    }
    if constraint.accepts(&cluster.version) {
        return Ok(None);
    }
    let target = upgrade::target(session.vultr().await?, cluster, &constraint).await;
    Ok(Some(
        target.map_err(|fault| fault.at("kubernetes_version"))?,
    ))
}

/// Checks what every action on a platform has.
pub(crate) fn check_names(config: &Object, faults: &mut Diagnostics) {
    if let Some(text) = known::<String>(config, "platform_id", faults)
        && let Err(bad) = PlatformId::parse(&text)
    {
        faults.append(bad_platform(&bad.to_string()));
    }
    if let Err(bad) = timeout(config, WITHIN) {
        faults.append(bad);
    }
}

/// The platform that an action is about.
pub(crate) fn platform_of(config: &Object) -> Result<PlatformId, Diagnostics> {
    let text: String = config.get("platform_id")?;
    Ok(PlatformId::parse(&text).map_err(|bad| bad_platform(&bad.to_string()))?)
}

/// How long an action may take.
pub(crate) fn timeout(config: &Object, default: Duration) -> Result<Duration, Diagnostics> {
    match config.get::<Attr<String>>("timeout")? {
        Attr::Known(text) => duration::parse(&text).map_err(|why| {
            Diagnostics::from(
                Fault::new(fault::BAD_TIMEOUT, format!("timeout: {why}.")).at("timeout"),
            )
        }),
        Attr::Null | Attr::Unknown => Ok(default),
    }
}

/// A platform without a cluster cannot be acted on.
pub(crate) fn no_cluster(id: &PlatformId) -> Diagnostic {
    Fault::new(
        fault::PARENT_GONE,
        format!("The account holds no cluster of platform {id}. Create the platform first, or correct platform_id."),
    )
    .at("platform_id")
    .into()
}

fn bad_platform(why: &str) -> Fault {
    Fault::new(fault::BAD_NAME, format!("platform_id: {why}.")).at("platform_id")
}

fn bad_version(why: &str) -> Fault {
    Fault::new(fault::NO_BUILD, format!("kubernetes_version: {why}.")).at("kubernetes_version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_arguments_are_told_by_name_and_unknown_ones_not_judged() {
        let good = Object::new()
            .with("platform_id", "acme")
            .with("kubernetes_version", "1.36");
        assert!(UpgradeAction.validate(&good).is_empty());
        for (name, bad) in [
            ("platform_id", "Acme"),
            ("kubernetes_version", "latest"),
            ("timeout", "soon"),
        ] {
            let faults = UpgradeAction.validate(&good.clone().with(name, bad));
            assert_eq!(faults.len(), 1, "{name}: {faults}");
            let mut unknown = good.clone();
            unknown.set_unknown(name);
            assert!(UpgradeAction.validate(&unknown).is_empty(), "{name}");
        }
    }
}
