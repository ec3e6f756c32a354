//! `slipway_run_component`: runs the playbook of one component on request and shows what it does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use run_report::{Catalog, ComponentRequest};
use secrecy::SecretString;
use tfplugin::value::{Attr, Type};
use tfplugin::{Action, Attribute, Diagnostics, Invoke, Object, PlanAction, Schema, async_trait};
use uuid::Uuid;

use crate::allowance::Allowance;
use crate::bootstrap_host::{self, Job};
use crate::bootstrap_place::{self, Bootstrap};
use crate::component_catalog;
use crate::environments::cluster_of;
use crate::fault::{self, Fault};
use crate::mark::{Mark, PlatformId};
use crate::nearest::allowed_words;
use crate::platform::components::{self, ComponentSetting};
use crate::platform::settings::known;
use crate::platform::status;
use crate::session::Session;
use crate::upgrade_action::{check_names, no_cluster, platform_of, timeout};

/// How long it may take unless the action says otherwise.
const WITHIN: Duration = Duration::from_hours(1);

/// The action type.
pub(crate) struct RunComponentAction;

#[async_trait]
impl Action<Session> for RunComponentAction {
    fn type_name(&self) -> &'static str {
        "slipway_run_component"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe(
                "Runs the playbook of one component of a platform once more, whatever the record in the cluster says, and shows its plays and tasks as they \
                 go: for what was changed or broken inside the cluster. It repeats what is installed and changes nothing of it: the settings given here \
                 must be those of the platform, and if they differ from what is recorded, or the component was never installed, nothing runs; apply the \
                 platform for that. Needs Terraform 1.14.",
            )
            .attribute("platform_id", Attribute::string().required().describe("Id of the platform."))
            .attribute("component", Attribute::string().required().describe("Name of the component."))
            .attribute(
                "domain",
                Attribute::string()
                    .required()
                    .describe("The platform's `domain`, which every playbook gets."),
            )
            .attribute(
                "components",
                Attribute::map_of([
                    ("enabled", Attribute::bool().optional().describe("As in the platform.")),
                    ("version", Attribute::string().optional().describe("As in the platform.")),
                    ("size", Attribute::string().optional().describe("As in the platform.")),
                    ("values", Attribute::string().optional().describe("As in the platform.")),
                ])
                .optional()
                .describe("The platform's `components`, if it has some: `components = slipway_platform.main.components`."),
            )
            .attribute(
                "component_secrets_wo",
                Attribute::map(Type::String)
                    .optional()
                    .write_only()
                    .sensitive()
                    .describe("The platform's `component_secrets_wo`, if the component reads some."),
            )
            .attribute(
                "component_secrets_wo_version",
                Attribute::number().optional().describe("The platform's `component_secrets_wo_version`."),
            )
            .attribute("bootstrap", bootstrap_place::attribute())
            .attribute("timeout", Attribute::string().optional().describe("How long it may take, as `45m` or `1h30m`. Default `1h`."))
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let mut faults = Diagnostics::new();
        check_names(config, &mut faults);
        bootstrap_place::check(config, &mut faults);
        if let Some(catalog) = faults.collect(component_catalog::embedded()) {
            if let Some(name) = known::<String>(config, "component", &mut faults)
                && catalog.get(&name).is_none()
            {
                faults.append(unknown(catalog, &name));
            }
            faults.append(components::check(catalog, config));
        }
        faults
    }

    async fn plan(&self, _: &mut PlanAction<Session>) -> Result<(), Diagnostics> {
        Ok(())
    }

    async fn invoke(&self, op: &mut Invoke<Session>) -> Result<(), Diagnostics> {
        let catalog = component_catalog::embedded()?;
        let id = platform_of(&op.config)?;
        let name: String = op.config.get("component")?;
        let order = Order::read(catalog, &op.config, &name)?;
        let cluster = cluster_of(&op.client, &id, None).await?;
        let cluster = cluster.ok_or_else(|| no_cluster(&id))?;
        order
            .refuse_changes(catalog, &op.client, &cluster.id)
            .await?;
        let vpc = vpc_of(&op.client, &id).await?;
        let domain: String = op.config.get("domain")?;
        let progress = op.progress.clone();
        let tell = move |line: &str| progress.say(line);
        let job = Job {
            session: &op.client,
            client: op.client.vultr().await?,
            id: &id,
            region: &cluster.region,
            domain: &domain,
            components: order.requests,
            forced: Some(&name),
            bootstrap: &Bootstrap::read(&op.config)?,
            secrets: &order.secrets,
            secrets_version: order.secrets_version,
            run: Uuid::new_v4(),
            allowance: Allowance::new(timeout(&op.config, WITHIN)?, &op.stop),
            tell: &tell,
        };
        let done = bootstrap_host::run(&job, &cluster.id, &vpc).await;
        op.client.changed(Some(&cluster.id));
        done
    }
}

/// What is to run: the component, and what it uses as its inputs.
struct Order {
    name: String,
    requests: Vec<ComponentRequest>,
    secrets: BTreeMap<String, SecretString>,
    secrets_version: u64,
}

impl Order {
    fn read(catalog: &Catalog, config: &Object, name: &str) -> Result<Self, Diagnostics> {
        let settings = config.get::<Option<BTreeMap<String, ComponentSetting>>>("components")?;
        let mut requests = components::requests(catalog, &settings.unwrap_or_default());
        let needed = with_inputs(catalog, name);
        requests.retain(|request| request.enabled && needed.contains(&request.name));
        if !requests.iter().any(|request| request.name == name) {
            return Err(Fault::new(
                fault::BAD_COMPONENT,
                format!("component: {name} is not enabled in this platform, so there is nothing to run again."),
            )
            .at("component")
            .into());
        }
        let secrets =
            match config.get::<Attr<BTreeMap<String, SecretString>>>("component_secrets_wo")? {
                Attr::Known(secrets) => secrets,
                Attr::Null | Attr::Unknown => BTreeMap::new(),
            };
        Ok(Self {
            name: name.to_owned(),
            requests,
            secrets,
            secrets_version: config
                .get::<Option<u64>>("component_secrets_wo_version")?
                .unwrap_or(0),
        })
    }

    /// What is recorded must be what would run. A run that did not end well may be repeated.
    async fn refuse_changes(
        &self,
        catalog: &Catalog,
        session: &Session,
        cluster: &str,
    ) -> Result<(), Diagnostics> {
        let wanted = catalog
            .wanted(&self.requests, self.secrets_version)
            .map_err(|error| {
                Fault::new(fault::BAD_COMPONENT, format!("components: {error}.")).at("components")
            })?;
        let records = session.journal(cluster).await?;
        let mut differs: Vec<String> = status::due(&wanted, &records).into_keys().collect();
        let same = wanted.get(&self.name).zip(records.get(&self.name));
        if same.is_some_and(|(wanted, record)| wanted.digests.digest == record.digest) {
            differs.retain(|name| *name != self.name);
        }
        if differs.is_empty() {
            return Ok(());
        }
        Err(Fault::new(
            fault::BAD_COMPONENT,
            format!(
                "What the cluster records of {} is not what these settings ask for, and this action changes nothing of what is installed. Hand it the platform's own settings, or apply the platform first.",
                differs.join(", ")
            ),
        )
        .at("component")
        .into())
    }
}

/// A component and everything that it uses, however far.
fn with_inputs(catalog: &Catalog, name: &str) -> BTreeSet<String> {
    let mut needed = BTreeSet::from([name.to_owned()]);
    let mut open = vec![name.to_owned()];
    while let Some(one) = open.pop() {
        for used in catalog
            .get(&one)
            .into_iter()
            .flat_map(|component| &component.uses)
        {
            if needed.insert(used.clone()) {
                open.push(used.clone());
            }
        }
    }
    needed
}

async fn vpc_of(session: &Session, id: &PlatformId) -> Result<String, Fault> {
    let vpcs = session.vpcs().await?;
    let marked = |text: &str| Mark::read(text).is_some_and(|mark| mark.platform() == id);
    let found = vpcs.iter().find(|vpc| marked(&vpc.description));
    found.map(|vpc| vpc.id.clone()).ok_or_else(|| {
        Fault::new(
            fault::HALF_GONE,
            format!("No VPC of the account carries the mark {:?}, and the bootstrap host needs it. Apply the platform first.", id.mark()),
        )
    })
}

fn unknown(catalog: &Catalog, name: &str) -> Fault {
    let words = allowed_words(
        name,
        catalog.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    );
    Fault::new(
        fault::UNKNOWN_COMPONENT,
        format!("component is {name:?}. {words}"),
    )
    .at("component")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_must_exist_and_be_enabled() {
        let config = |component: &str| {
            Object::new()
                .with("platform_id", "acme")
                .with("component", component)
                .with("domain", "acme.example")
        };
        assert!(RunComponentAction.validate(&config("kong")).is_empty());
        let faults = RunComponentAction.validate(&config("knog")).to_string();
        assert!(faults.contains("Did you mean \"kong\"?"), "{faults}");
        let catalog = component_catalog::embedded().unwrap();
        let order = Order::read(catalog, &config("kong"), "kong").unwrap();
        assert!(order.requests.iter().any(|request| request.name == "kong"));
    }

    #[test]
    fn inputs_are_followed_all_the_way() {
        let catalog = component_catalog::embedded().unwrap();
        for (name, component) in catalog.iter() {
            let needed = with_inputs(catalog, name);
            assert!(component.uses.iter().all(|used| needed.contains(used)));
        }
    }
}
