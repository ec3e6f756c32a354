//! `slipway_environment_claim`: an environment asked for, as an object in the platform's claim store.

mod claim;
mod list;
mod schema;

use claim_store::{ClaimStore, ETag, Place, StoreError, Stored};
use claims::{Claim, EnvironmentName, EnvironmentType, Gone, Tombstone};
use jiff::Timestamp;
use tfplugin::{
    Change, Create, Delete, Diagnostic, Diagnostics, IdentitySchema, Import, ImportBy, Object,
    Plan, Read, Resource, Schema, Type, Update, async_trait,
};
use uuid::Uuid;

use crate::environments::{cluster_of, store_fault, store_of, writable_store_of};
use crate::fault::{self, Fault};
use crate::mark::PlatformId;
use crate::session::Session;

pub(crate) use self::list::EnvironmentClaimList;

/// The resource type.
pub(crate) struct EnvironmentClaimResource;

#[async_trait]
impl Resource<Session> for EnvironmentClaimResource {
    fn type_name(&self) -> &'static str {
        "slipway_environment_claim"
    }

    fn schema(&self) -> Schema {
        schema::schema()
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
        let cluster = live_cluster(&op.client, &platform, None).await?;
        let store = writable_store_of(&op.client, &platform, &cluster).await?;
        let store = store.as_ref().as_ref().ok_or_else(|| no_store(&platform))?;
        let mut claim = claim::claim(&op.planned, Timestamp::now())?;
        let doing = format!(
            "writing the claim of environment {}",
            claim.environment_name
        );
        let place = match store.put_new(&claim, Uuid::new_v4()).await {
            Ok(place) => place,
            Err(error @ StoreError::Exists { .. }) => {
                let stored = same_claim(store, &op.config, &claim)
                    .await
                    .ok_or_else(|| store_fault(&doing, &error))?;
                op.warnings.push(Diagnostic::warning("Claim was there already", format!("The store held this very claim of environment {} already, and it was taken over.", claim.environment_name)));
                claim = stored.claim;
                stored.place
            }
            Err(error) => return Err(store_fault(&doing, &error).into()),
        };
        let mut state = op.planned.clone();
        claim::write(&claim, &mut state);
        settle(&mut state, &platform, &cluster, &place);
        Ok(state)
    }

    async fn read(&self, op: &mut Read<Session>) -> Result<Option<Object>, Diagnostics> {
        let platform = platform_of(&op.state)?;
        let known = op.state.value("cluster_id").as_str();
        let Some(cluster) = cluster_of(&op.client, &platform, known).await? else {
            return Ok(None);
        };
        let name = name_of(&op.state)?;
        let stored = match look(&op.client, &platform, &cluster.id, &name, &op.state).await {
            Ok(stored) => stored,
            // A store that does not answer proves nothing; after an import there is no state to fall back on.
            Err(fault) if known.is_some() => {
                op.warnings.push(fault.into_warning());
                return Ok(Some(op.state.clone()));
            }
            Err(fault) => return Err(fault.into()),
        };
        let Some(stored) = stored else {
            return Ok(None);
        };
        let mut state = op.state.clone();
        claim::write(&stored.claim, &mut state);
        settle(&mut state, &platform, &cluster.id, &stored.place);
        if state.is_null("wait_for") {
            state.set("wait_for", "accepted");
        }
        Ok(Some(state))
    }

    async fn update(&self, op: &mut Update<Session>) -> Result<Object, Diagnostics> {
        let platform = platform_of(&op.planned)?;
        let cluster =
            live_cluster(&op.client, &platform, op.prior.value("cluster_id").as_str()).await?;
        let store = writable_store_of(&op.client, &platform, &cluster).await?;
        let store = store.as_ref().as_ref().ok_or_else(|| no_store(&platform))?;
        let wanted = claim::claim(&op.planned, Timestamp::now())?;
        let replaced = store
            .replace(&place_of(&op.prior)?, &wanted, Uuid::new_v4())
            .await;
        let doing = format!(
            "changing the claim of environment {}",
            wanted.environment_name
        );
        let place = replaced.map_err(|error| store_fault(&doing, &error))?;
        let mut state = op.planned.clone();
        claim::write(&wanted, &mut state);
        settle(&mut state, &platform, &cluster, &place);
        Ok(state)
    }

    async fn delete(&self, op: &mut Delete<Session>) -> Result<(), Diagnostics> {
        let platform = platform_of(&op.state)?;
        let known = op.state.value("cluster_id").as_str();
        let Some(cluster) = cluster_of(&op.client, &platform, known).await? else {
            return Ok(());
        };
        let store = writable_store_of(&op.client, &platform, &cluster.id).await?;
        let store = store.as_ref().as_ref().ok_or_else(|| no_store(&platform))?;
        let place = place_of(&op.state)?;
        let doing = format!("withdrawing claim {}", place.key);
        let there = store
            .get_key(&place.key)
            .await
            .map_err(|error| store_fault(&doing, &error))?;
        if there.is_none() {
            return Ok(());
        }
        let tombstone = Tombstone {
            environment_name: name_of(&op.state)?,
            gone: Gone::Withdrawn {
                by: op.state.get("user")?,
                at: Timestamp::from_second(Timestamp::now().as_second())
                    .unwrap_or_else(|_| Timestamp::now()),
            },
        };
        let withdrawn = store.withdraw(&place, &tombstone, Uuid::new_v4()).await;
        withdrawn.map_err(|error| store_fault(&doing, &error))?;
        Ok(())
    }

    async fn import(&self, op: &mut Import<Session>) -> Result<Object, Diagnostics> {
        let (platform, name) = match &op.by {
            ImportBy::Identity(identity) => (
                identity.get("platform_id")?,
                identity.get("environment_name")?,
            ),
            ImportBy::Id(text) => match text.split_once('/') {
                Some((platform, name)) => (platform.to_owned(), name.to_owned()),
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
    if op.changed_anything() {
        op.planned.set_unknown("etag");
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
    Ok(text.parse().map_err(|bad: claims::NameError| {
        Fault::new(fault::BAD_CLAIM, format!("environment_name: {bad}.")).at("environment_name")
    })?)
}

fn place_of(state: &Object) -> Result<Place, Diagnostics> {
    Ok(Place {
        key: state.get("key")?,
        etag: ETag::from(state.get::<String>("etag")?),
    })
}

fn settle(state: &mut Object, platform: &PlatformId, cluster: &str, place: &Place) {
    let name = state
        .value("environment_name")
        .as_str()
        .unwrap_or_default()
        .to_owned();
    state
        .set("id", format!("{platform}/{name}"))
        .set("cluster_id", cluster)
        .set("key", place.key.as_str())
        .set("etag", place.etag.as_str());
}

async fn live_cluster(
    session: &Session,
    platform: &PlatformId,
    known: Option<&str>,
) -> Result<String, Fault> {
    let cluster = cluster_of(session, platform, known).await?;
    cluster.map(|cluster| cluster.id).ok_or_else(|| {
        Fault::new(fault::PARENT_GONE, format!("The account holds no cluster of platform {platform}, so there is no claim store. Create the platform first, or correct platform_id."))
            .at("platform_id")
    })
}

fn no_store(platform: &PlatformId) -> Fault {
    Fault::new(
        fault::NO_CLAIM_STORE,
        format!("Platform {platform} publishes no claim store."),
    )
}

/// The claim as it stands: under the key that the state knows, else wherever it is.
async fn look(
    session: &Session,
    platform: &PlatformId,
    cluster: &str,
    name: &EnvironmentName,
    state: &Object,
) -> Result<Option<Stored>, Fault> {
    let store = store_of(session, platform, cluster).await?;
    let store = store.as_ref().as_ref().ok_or_else(|| no_store(platform))?;
    let found = match state.value("key").as_str() {
        Some(key) => store.get_key(key).await,
        None => store.find(name).await,
    };
    found.map_err(|error| store_fault(&format!("reading the claim of environment {name}"), &error))
}

/// The claim in the store if it says what is wanted: what a create left whose answer was lost.
async fn same_claim(store: &ClaimStore, config: &Object, wanted: &Claim) -> Option<Stored> {
    let stored = store.get(&wanted.environment_name).await.ok().flatten()?;
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
