//! `slipway_environment_claim`: an environment asked for, as an object in the platform's claim store.

mod claim;
mod continued;
mod list;
mod schema;
mod target;
mod wait;

use claim_store::{ClaimStore, ETag, Place, Stored};
use claims::status::Phase;
use claims::{Claim, EnvironmentName, EnvironmentType};
use jiff::Timestamp;
use serde_json::Value as Json;
use tfplugin::{
    Change, Create, Delete, DeleteReason, Diagnostic, Diagnostics, IdentitySchema, Import,
    ImportBy, Object, PartialState, Plan, Read, Resource, Schema, Type, Update, async_trait,
};

use self::target::{CreateError, Target};
use crate::allowance::Allowance;
use crate::environments::store_fault;
use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::Session;

pub(crate) use self::list::EnvironmentClaimList;

/// The attributes that stand in the claim.
const CLAIMED: [&str; 9] = [
    "environment_type",
    "environment_pool",
    "user",
    "services",
    "service_artifacts",
    "git_repository",
    "branch",
    "creation_date",
    "expiration_date",
];

const READY_PHASE: &str = Phase::Ready.as_str();

/// How configurations call a claim.
const TYPE_NAME: &str = "slipway_environment_claim";

/// The resource type.
pub(crate) struct EnvironmentClaimResource;

#[async_trait]
impl Resource<Session> for EnvironmentClaimResource {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn upgrade(&self, stored_version: i64, state: Json) -> Result<Json, Diagnostics> {
        if stored_version == 0 {
            // What came since, version 1 leaves empty: nothing in the older state has another meaning now.
            return Ok(state);
        }
        let detail = format!(
            "The state of this claim was written by version {stored_version} of its schema. Use the provider that wrote it, or a newer one."
        );
        Err(Diagnostic::error("State cannot be read", detail).into())
    }

    fn identity(&self) -> Option<IdentitySchema> {
        Some(
            IdentitySchema::new()
                .required("platform_id", Type::String, "The platform's name.")
                .required("environment_name", Type::String, "The environment's name."),
        )
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        claim::check(config)
    }

    async fn plan(&self, op: &mut Plan<Session>) -> Result<(), Diagnostics> {
        plan_results(op);
        continued::remember(op);
        let all_known = op
            .config
            .fields()
            .values()
            .all(tfplugin::Value::is_wholly_known);
        if op.change == Change::Create && all_known {
            // The clock decides only whether a date is refused, never what is planned.
            let wanted = claim::claim(&op.config, Timestamp::now())?;
            for warning in wanted.warnings() {
                op.warnings.push(Diagnostic::warning(
                    "Loose version constraint",
                    format!("{}: {}.", warning.pointer, warning.message),
                ));
            }
        }
        Ok(())
    }

    async fn create(&self, op: &mut Create<Session>) -> Result<Object, Diagnostics> {
        let platform = platform_of(&op.planned)?;
        let time = wait::time(&op.planned, "create")?;
        let target = Target::require(&op.client, &platform, None).await?;
        let wanted = claim::claim(&op.planned, Timestamp::now())?;
        let stored = match target.create(&wanted).await {
            Ok(stored) => stored,
            Err(CreateError::Failed(told)) => return Err(told),
            Err(CreateError::Exists(fault)) => {
                let name = &wanted.environment_name;
                let stored = same_claim(&target, &op.config, &wanted)
                    .await
                    .ok_or(fault)?;
                op.warnings.push(Diagnostic::warning("Claim was there already", format!("The store held this very claim of environment {name} already, and it was taken over.")));
                stored
            }
        };
        let goal = Goal {
            target: &target,
            stored: &stored,
            partial: &op.partial,
            allowance: Allowance::new(time, &op.stop),
        };
        goal.reach(&platform, op.planned.clone()).await
    }

    async fn read(&self, op: &mut Read<Session>) -> Result<Option<Object>, Diagnostics> {
        let platform = platform_of(&op.state)?;
        let known = op.state.value("cluster_id").as_str();
        let Some(target) = Target::find(&op.client, &platform, known).await? else {
            return Ok(None);
        };
        match refreshed(&target, &platform, &op.state).await {
            Ok(state) => Ok(state),
            // What does not answer proves nothing; after an import there is no state to fall back on.
            Err(fault) if !op.state.is_null("etag") => {
                op.warnings.push(fault.into_warning());
                Ok(Some(op.state.clone()))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    async fn update(&self, op: &mut Update<Session>) -> Result<Object, Diagnostics> {
        let platform = platform_of(&op.planned)?;
        let time = wait::time(&op.planned, "update")?;
        let known = op.prior.value("cluster_id").as_str();
        let target = Target::require(&op.client, &platform, known).await?;
        let wanted = claim::claim(&op.planned, Timestamp::now())?;
        let place = place_of(&op.prior)?;
        let stored = if CLAIMED.iter().any(|name| op.changed(name)) {
            target.replace(&place, &wanted).await?
        } else {
            Stored {
                place,
                claim: wanted,
            }
        };
        let goal = Goal {
            target: &target,
            stored: &stored,
            partial: &op.partial,
            allowance: Allowance::new(time, &op.stop),
        };
        goal.reach(&platform, op.planned.clone()).await
    }

    async fn delete(&self, op: &mut Delete<Session>) -> Result<(), Diagnostics> {
        if op.reason == DeleteReason::Replace && continued::continues(&op.state, &op.private) {
            return Ok(());
        }
        let platform = platform_of(&op.state)?;
        let known = op.state.value("cluster_id").as_str();
        let Some(target) = Target::find(&op.client, &platform, known).await? else {
            return Ok(());
        };
        let by = op.state.get("user")?;
        target
            .withdraw(&place_of(&op.state)?, name_of(&op.state)?, by)
            .await
    }

    async fn import(&self, op: &mut Import<Session>) -> Result<Object, Diagnostics> {
        let (platform, name) = match &op.by {
            ImportBy::Identity(identity) => (
                identity.get("platform_id")?,
                identity.get("environment_name")?,
            ),
            ImportBy::Id(text) => match text.split_once('/') {
                Some((platform, name)) => (platform.to_owned(), name.to_owned()),
                None if op.client.platform_api()?.is_some() => {
                    return Err(Fault::new(fault::BAD_IMPORT, format!("Through a platform's API a claim is imported by \"<platform>/<environment>\", and {text:?} names no platform.")).into());
                }
                None => (only_platform(&op.client, text).await?, text.clone()),
            },
        };
        Ok(Object::new()
            .with("platform_id", platform)
            .with("environment_name", name))
    }
}

/// What the provider says back, as far as it is known in the plan.
fn plan_results(op: &mut Plan<Session>) {
    let text = |name: &str| op.planned.value(name).as_str().map(str::to_owned);
    let (platform, name) = (text("platform_id"), text("environment_name"));
    let kind = text("environment_type").and_then(|word| word.parse::<EnvironmentType>().ok());
    match (&platform, &name) {
        (Some(platform), Some(name)) => op.planned.set("id", format!("{platform}/{name}")),
        _ => op.planned.set_unknown("id"),
    };
    if op.change == Change::Create
        && let Some(name) = name
            .as_deref()
            .and_then(|name| name.parse::<EnvironmentName>().ok())
    {
        op.planned.set("key", ClaimStore::key_of(&name));
    }
    if op.config.is_null("expiration_date") {
        let ends = kind.is_none_or(|kind| kind.profile().lifetime.is_some());
        let changes = op.change == Change::Create
            || op.changed("environment_type")
            || op.changed("creation_date");
        if !ends {
            op.planned.set_null("expiration_date");
        } else if changes {
            op.planned.set_unknown("expiration_date");
        }
    }
    let waits = wait::is_wanted(&op.planned);
    let prior = op.prior.as_ref();
    let is_ready = prior.is_some_and(|prior| prior.value("phase").as_str() == Some(READY_PHASE));
    if CLAIMED.iter().any(|name| op.changed(name)) || op.change == Change::Create {
        op.planned.set_unknown("etag");
        op.planned.set_unknown("phase");
    } else if waits && !is_ready {
        // Waiting goes on where it was broken off.
        op.planned.set_unknown("phase");
    }
    if !waits {
        op.planned.set_null("phase");
    }
}

fn platform_of(object: &Object) -> Result<PlatformId, Diagnostics> {
    let text: String = object.get("platform_id")?;
    Ok(PlatformId::parse(&text).map_err(|bad| {
        Fault::new(fault::BAD_NAME, format!("platform_id: {bad}.")).at("platform_id")
    })?)
}

fn name_of(state: &Object) -> Result<EnvironmentName, Diagnostics> {
    let text: String = state.get("environment_name")?;
    Ok(text
        .parse()
        .map_err(|bad: claims::NameError| bad_name(&bad))?)
}

fn bad_name(bad: &claims::NameError) -> Fault {
    Fault::new(fault::BAD_CLAIM, format!("environment_name: {bad}.")).at("environment_name")
}

fn place_of(state: &Object) -> Result<Place, Diagnostics> {
    Ok(Place {
        key: state.get("key")?,
        etag: ETag::from(state.get::<String>("etag")?),
    })
}

/// Writes what stands there into a state.
fn settle(state: &mut Object, platform: &PlatformId, cluster: Option<&str>, stored: &Stored) {
    claim::write(&stored.claim, state);
    let name = stored.claim.environment_name.as_str();
    state
        .set("id", format!("{platform}/{name}"))
        .set("cluster_id", cluster.map(str::to_owned))
        .set("key", stored.place.key.as_str())
        .set("etag", stored.place.etag.as_str())
        .set_null("phase");
}

/// What a create or an update has to reach after the claim stands.
struct Goal<'a> {
    target: &'a Target<'a>,
    stored: &'a Stored,
    partial: &'a PartialState,
    allowance: Allowance<'a>,
}

impl Goal<'_> {
    /// Records that the claim stands, waits for the environment if the user does, and gives the state.
    async fn reach(&self, platform: &PlatformId, mut state: Object) -> Result<Object, Diagnostics> {
        settle(&mut state, platform, self.target.cluster(), self.stored);
        self.partial.record(|partial| *partial = state.clone());
        if !wait::is_wanted(&state) {
            return Ok(state);
        }
        let name = &self.stored.claim.environment_name;
        let passed = |phase: Phase| {
            state.set("phase", phase.as_str());
            self.partial.record(|partial| {
                partial.set("phase", phase.as_str());
            });
        };
        let place = &self.stored.place;
        wait::until_ready(self.target, name, place, self.allowance, passed).await?;
        Ok(state)
    }
}

/// The state as it is now; nothing if the claim is gone.
async fn refreshed(
    target: &Target<'_>,
    platform: &PlatformId,
    known: &Object,
) -> Result<Option<Object>, Fault> {
    let name = known.value("environment_name").as_str().unwrap_or_default();
    let name: EnvironmentName = name
        .parse()
        .map_err(|bad: claims::NameError| bad_name(&bad))?;
    let Some(stored) = target.look(&name, known.value("key").as_str()).await? else {
        return Ok(None);
    };
    let mut state = known.clone();
    settle(&mut state, platform, target.cluster(), &stored);
    if state.is_null("wait_for") {
        state.set("wait_for", "accepted");
    }
    if wait::is_wanted(&state) {
        let status = target.status(&name).await?;
        let phase = wait::phase_of(status.as_ref(), &stored.place);
        // Only a wait ends in Ready: until then the next apply has one to end, and a replacement knows that what it
        // replaces was waited for in vain.
        let still_to_end = known
            .value("phase")
            .as_str()
            .filter(|before| *before != READY_PHASE && phase == Phase::Ready);
        state.set("phase", still_to_end.unwrap_or(phase.as_str()));
    }
    Ok(Some(state))
}

/// The claim that stands there if it says what is wanted: what a create left whose answer was lost, or that waited in
/// vain.
async fn same_claim(target: &Target<'_>, config: &Object, wanted: &Claim) -> Option<Stored> {
    let stored = target.look(&wanted.environment_name, None).await.ok()??;
    let mut expected = wanted.clone();
    if config.is_null("creation_date") {
        expected.creation_date = stored.claim.creation_date;
    }
    if config.is_null("expiration_date") {
        expected.expiration_date = stored.claim.expiration_date;
    }
    (expected == stored.claim).then_some(stored)
}

/// The platform of an import that names only the environment: the one whose store holds it.
async fn only_platform(session: &Session, name: &str) -> Result<String, Diagnostics> {
    let wanted: EnvironmentName = name.parse().map_err(|bad: claims::NameError| {
        Fault::new(
            fault::BAD_IMPORT,
            format!(
                "A claim is imported by \"<platform>/<environment>\" or \"<environment>\": {bad}."
            ),
        )
    })?;
    let mut holders = Vec::new();
    for cluster in session.clusters().await?.iter() {
        let Some(mark) = crate::mark::Mark::read(&cluster.label) else {
            continue;
        };
        let store = session.claim_store(&cluster.id).await?;
        if let Some(store) = store.as_ref()
            && store
                .find(&wanted)
                .await
                .map_err(|error| store_fault("looking for the claim", &error))?
                .is_some()
        {
            holders.push(mark.platform().to_string());
        }
    }
    match holders.as_slice() {
        [platform] => Ok(platform.clone()),
        [] => Err(Fault::new(fault::NO_SUCH_CLAIM, format!("No platform of the account holds a claim of environment {name}.")).into()),
        several => Err(Fault::new(
            fault::BAD_IMPORT,
            format!("Several platforms hold a claim of environment {name}: {}. Import \"<platform>/{name}\".", several.join(", ")),
        )
        .into()),
    }
}
