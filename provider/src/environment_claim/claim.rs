//! Between attributes and claims.

use std::collections::BTreeMap;

use claims::{Claim, Draft, FaultKind, Faults, Service};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use tfplugin::value::Attr;
use tfplugin::{AttributePath, Diagnostics, IntoValue, Object, Value};

use super::schema::{same_moment, same_type};
use super::wait;
use crate::duration;
use crate::fault::{self, Fault};
use crate::nearest::allowed_words;

/// The attributes that are fields of a claim by the same name.
const FIELDS: [&str; 8] = [
    "user",
    "environment_pool",
    "creation_date",
    "environment_name",
    "environment_type",
    "expiration_date",
    "git_repository",
    "branch",
];

/// The attributes of a Git source: both or none.
const GIT: [&str; 2] = ["git_repository", "branch"];

/// What can be waited for.
const WAITS: [&str; 2] = ["accepted", wait::READY];

/// Everything wrong with a claim as far as it is known.
pub(super) fn check(config: &Object) -> Diagnostics {
    let mut told = Diagnostics::new();
    if let Some(word) = config.value("wait_for").as_str()
        && !WAITS.contains(&word)
    {
        let words = allowed_words(word, WAITS);
        told.append(
            Fault::new(fault::BAD_CHOICE, format!("wait_for is {word:?}. {words}")).at("wait_for"),
        );
    }
    check_times(config, &mut told);
    if let Some(platform) = config.value("platform_id").as_str()
        && let Err(bad) = crate::mark::PlatformId::parse(platform)
    {
        told.append(Fault::new(fault::BAD_NAME, format!("platform_id: {bad}.")).at("platform_id"));
    }
    check_doubles(config, &mut told);
    if let Err(faults) = Draft::from_value(&known_json(config)) {
        // What is not set is Terraform's to say, and what is not known yet is nobody's; half a Git source is ours.
        let is_ours = |one: &claims::Fault| {
            one.kind != FaultKind::Missing
                || GIT
                    .iter()
                    .any(|name| one.pointer == format!("/{name}") && config.is_null(name))
        };
        tell(faults.0.into_iter().filter(is_ours), &mut told);
    }
    told
}

fn check_times(config: &Object, told: &mut Diagnostics) {
    let Value::Object(timeouts) = config.value("timeouts") else {
        return;
    };
    for operation in ["create", "update"] {
        if let Some(text) = timeouts.get(operation).and_then(Value::as_str)
            && let Err(why) = duration::parse(text)
        {
            told.append(wait::bad_time(operation, &why));
        }
    }
}

fn check_doubles(config: &Object, told: &mut Diagnostics) {
    let keys = |name: &str| match config.value(name) {
        Value::Map(services) => services.keys().cloned().collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let constraints = keys("services");
    for name in keys("service_artifacts")
        .into_iter()
        .filter(|name| constraints.contains(name))
    {
        told.append(
            Fault::new(fault::BAD_CLAIM, format!("Service {name:?} stands in services and in service_artifacts. Keep one of them."))
                .at(AttributePath::from("service_artifacts").key(&name)),
        );
    }
}

/// The claim that a wholly known plan asks for.
pub(super) fn claim(planned: &Object, now: Timestamp) -> Result<Claim, Diagnostics> {
    let draft = Draft::from_value(&known_json(planned)).and_then(|draft| draft.complete("", now));
    draft.map_err(refused)
}

/// The faults of a claim as diagnostics with the attributes they are about.
pub(super) fn refused(faults: Faults) -> Diagnostics {
    let mut told = Diagnostics::new();
    tell(faults.0.into_iter(), &mut told);
    told
}

fn tell(faults: impl Iterator<Item = claims::Fault>, told: &mut Diagnostics) {
    for one in faults {
        let path = path_of(&one.pointer);
        let place = path
            .as_ref()
            .map_or_else(|| "the claim".to_owned(), ToString::to_string);
        let fault = Fault::new(
            fault::BAD_CLAIM,
            format!("{place}: {}.", one.message.trim_end_matches('.')),
        );
        told.append(match path {
            Some(path) => fault.at(path),
            None => fault,
        });
    }
}

/// `/services/user-service/version` is the attribute `services["user-service"]`, or that of the artifacts.
fn path_of(pointer: &str) -> Option<AttributePath> {
    let mut parts = pointer
        .split('/')
        .skip(1)
        .map(|part| part.replace("~1", "/").replace("~0", "~"));
    let first = parts.next()?;
    let top = if first == "deployment_method" {
        "git_repository".to_owned()
    } else {
        first
    };
    let service = parts.next();
    let artifact = parts.next().is_some();
    match service {
        Some(name) if artifact => Some(AttributePath::from("service_artifacts").key(name)),
        Some(name) => Some(AttributePath::from(top).key(name)),
        None => Some(AttributePath::from(top)),
    }
}

/// The claim's JSON as far as it is known.
pub(super) fn known_json(object: &Object) -> Json {
    let mut json = Map::new();
    for name in FIELDS {
        if let Some(text) = object.value(name).as_str() {
            json.insert(name.to_owned(), Json::from(text));
        }
    }
    if json.contains_key("git_repository") || json.contains_key("branch") {
        json.insert("deployment_method".to_owned(), Json::from("git"));
    }
    let mut services = Map::new();
    for name in ["services", "service_artifacts"] {
        if let Value::Map(entries) = object.value(name) {
            services.extend(
                entries
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), plain(value)?))),
            );
        }
    }
    json.insert("services".to_owned(), Json::Object(services));
    Json::Object(json)
}

/// A text or an object of texts, left out while any of it is unknown.
fn plain(value: &Value) -> Option<Json> {
    match value {
        Value::String(text) => Some(Json::from(text.as_str())),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| Some((name.clone(), plain(value)?)))
            .collect::<Option<Map<_, _>>>()
            .map(Json::Object),
        _ => None,
    }
}

/// Writes a claim into a state, in the stored spelling where it means the same.
pub(super) fn write(claim: &Claim, state: &mut Object) {
    state
        .set("environment_name", claim.environment_name.as_str())
        .set("environment_pool", claim.environment_pool.as_str())
        .set("user", claim.user.as_str())
        .set(
            "git_repository",
            claim.git.as_ref().map(|git| git.repository.clone()),
        )
        .set("branch", claim.git.as_ref().map(|git| git.branch.clone()));
    keep_or_set(
        state,
        "environment_type",
        claim.environment_type.as_str().into_value(),
        same_type,
    );
    keep_or_set(
        state,
        "creation_date",
        claim.creation_date.to_string().into_value(),
        same_moment,
    );
    keep_or_set(
        state,
        "expiration_date",
        claim
            .expiration_date
            .map(|end| end.to_string())
            .into_value(),
        same_moment,
    );
    write_services(claim, state);
}

fn keep_or_set(state: &mut Object, name: &str, value: Value, same: fn(&Value, &Value) -> bool) {
    if !same(state.value(name), &value) {
        state.set(name, value);
    }
}

fn write_services(claim: &Claim, state: &mut Object) {
    let stored = match state.get::<Attr<BTreeMap<String, String>>>("services") {
        Ok(Attr::Known(stored)) => stored,
        _ => BTreeMap::new(),
    };
    let (mut constraints, mut artifacts) = (BTreeMap::new(), BTreeMap::new());
    for (name, service) in &claim.services {
        match service {
            Service::Constraint(constraint) => {
                let same = stored
                    .get(name)
                    .filter(|text| text.parse().ok().as_ref() == Some(constraint));
                constraints.insert(
                    name.clone(),
                    same.cloned().unwrap_or_else(|| constraint.to_string()),
                );
            }
            Service::Artifacts {
                version,
                docker_image,
                ansible_artifact,
            } => {
                let object = Object::new()
                    .with("version", version.to_string())
                    .with("docker_image", docker_image.as_str())
                    .with("ansible_artifact", ansible_artifact.as_str());
                artifacts.insert(name.clone(), object);
            }
        }
    }
    // Nothing and an empty map are the same claim: keep what was written.
    if !(constraints.is_empty() && state.is_null("services")) {
        state.set("services", constraints);
    }
    if !(artifacts.is_empty() && state.is_null("service_artifacts")) {
        state.set("service_artifacts", artifacts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Object {
        Object::new()
            .with("platform_id", "acme")
            .with("environment_name", "dev-team1-feature-x")
            .with("environment_type", "stage")
            .with("environment_pool", "team1")
            .with("user", "john.doe@company.com")
            .with(
                "services",
                BTreeMap::from([("user-service", "v1.2.3"), ("api-gateway", "1.x.x.x")]),
            )
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_claim_survives_the_way_through_the_state_in_the_users_spelling() {
        let claim = claim(&config(), now()).unwrap();
        let mut state = config();
        write(&claim, &mut state);
        assert_eq!(state.value("environment_type").as_str(), Some("stage"));
        assert_eq!(state.value("services"), config().value("services"));
        assert_eq!(
            state.value("creation_date").as_str(),
            Some("2026-01-01T00:00:00Z")
        );
        assert!(state.is_null("expiration_date") && state.is_null("service_artifacts"));
    }

    #[test]
    fn every_fault_stands_at_its_attribute() {
        let bad = |name: &str, value: Value| config().with(name, value);
        let cases = [
            (
                bad("environment_name", "Dev_X".into_value()),
                "environment_name",
            ),
            (
                bad("environment_type", "devv".into_value()),
                "environment_type",
            ),
            (
                bad(
                    "services",
                    BTreeMap::from([("user-service", "^one")]).into_value(),
                ),
                "services[\"user-service\"]",
            ),
            (
                bad("expiration_date", "tomorrow".into_value()),
                "expiration_date",
            ),
            (bad("platform_id", "A".into_value()), "platform_id"),
            (bad("wait_for", "redy".into_value()), "wait_for"),
            (bad("branch", "main".into_value()), "git_repository"),
        ];
        for (config, place) in cases {
            let told = check(&config);
            assert_eq!(told.len(), 1, "{place}: {told}");
            let path = told.iter().next().and_then(|one| one.path.clone()).unwrap();
            assert_eq!(path.to_string(), place);
        }
        assert!(check(&config()).is_empty());
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        let mut unknown = config();
        for name in FIELDS.iter().chain(&["services", "platform_id"]) {
            unknown.set_unknown(*name);
        }
        assert!(check(&unknown).is_empty(), "{}", check(&unknown));
    }

    #[test]
    fn an_evaluation_that_is_over_already_is_refused() {
        let config = config()
            .with("environment_type", "sue")
            .with("creation_date", "2025-01-01T00:00:00Z")
            .with("expiration_date", "2025-12-31T00:00:00Z");
        let told = claim(&config, now()).unwrap_err();
        assert!(told.to_string().contains("expiration_date"), "{told}");
    }
}
