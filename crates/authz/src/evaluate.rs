//! A question in Cedar's words.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entity, EntityUid, Request, RestrictedExpression};

use crate::action::{Action, Group};
use crate::circumstances::Circumstances;
use crate::directory::{Directory, with_causes};
use crate::principal::{Principal, Subject};
use crate::resource::{Environment, Resource};
use crate::schema::{Kind, SCHEMA};

/// More than any policy asks for: the sign-in of somebody of whom it is not known.
const NEVER: i64 = i64::MAX;

pub(crate) fn principal_uid(principal: &Principal) -> EntityUid {
    match &principal.subject {
        Subject::User { email } => Kind::User.uid(email),
        Subject::ServiceAccount { name, .. } => Kind::ServiceAccount.uid(name),
    }
}

/// The principal as an entity: what the issuer says of them, and what the directory adds.
pub(crate) fn principal_entity(
    principal: &Principal,
    directory: &Directory,
) -> Result<Entity, String> {
    let uid = principal_uid(principal);
    let mut parents: HashSet<EntityUid> = directory.parents(&uid).collect();
    parents.extend(principal.teams.iter().map(|team| Kind::Team.uid(team)));
    parents.extend(principal.roles.iter().map(|role| Kind::Role.uid(role)));
    let mut attributes = HashMap::new();
    match &principal.subject {
        Subject::User { email } => {
            attributes.insert("email".to_owned(), text(email));
            let groups =
                RestrictedExpression::new_set(principal.groups.iter().map(|group| text(group)));
            attributes.insert("groups".to_owned(), groups);
        }
        Subject::ServiceAccount { kind, pipeline, .. } => {
            attributes.insert("kind".to_owned(), entity(Kind::Account, kind.as_str()));
            if let Some(pipeline) = pipeline {
                let record = RestrictedExpression::new_record([
                    ("project".to_owned(), text(&pipeline.project)),
                    ("branch".to_owned(), text(&pipeline.branch)),
                    (
                        "protected".to_owned(),
                        RestrictedExpression::new_bool(pipeline.protected),
                    ),
                ])
                .map_err(|error| with_causes(&error))?;
                attributes.insert("pipeline".to_owned(), record);
            }
        }
    }
    Entity::new(uid, attributes, parents).map_err(|error| with_causes(&error))
}

/// The object as entities: itself and, for an environment, its pool where the directory does not name it.
pub(crate) fn resource_entities(
    resource: &Resource,
    directory: &Directory,
) -> Result<(EntityUid, Vec<Entity>), String> {
    match resource {
        Resource::Platform => {
            let uid = Kind::Platform.uid("platform");
            Ok((uid.clone(), vec![Entity::new_no_attrs(uid, HashSet::new())]))
        }
        Resource::Environment(environment) => environment_entities(environment, directory),
    }
}

fn environment_entities(
    environment: &Environment,
    directory: &Directory,
) -> Result<(EntityUid, Vec<Entity>), String> {
    let uid = Kind::Environment.uid(&environment.name);
    let pool = Kind::Pool.uid(&environment.pool);
    let attributes = HashMap::from([
        (
            "pool".to_owned(),
            RestrictedExpression::new_entity_uid(pool.clone()),
        ),
        (
            "type".to_owned(),
            entity(Kind::Type, environment.environment_type.as_str()),
        ),
        (
            "owner".to_owned(),
            entity(Kind::User, &environment.owner.trim().to_lowercase()),
        ),
        (
            "origin".to_owned(),
            entity(Kind::Origin, environment.origin.as_str()),
        ),
        (
            "protected".to_owned(),
            RestrictedExpression::new_bool(environment.protected),
        ),
    ]);
    let team = RestrictedExpression::new_entity_uid(directory.team_of(&environment.pool));
    let implied = Entity::new(
        pool.clone(),
        HashMap::from([("team".to_owned(), team)]),
        HashSet::new(),
    );
    let itself = Entity::new(uid.clone(), attributes, HashSet::from([pool]));
    match (itself, implied) {
        (Ok(itself), Ok(implied)) => Ok((uid, vec![itself, implied])),
        (Err(error), _) | (_, Err(error)) => Err(with_causes(&error)),
    }
}

/// What an entity leads to: where the search for everything that matters begins.
pub(crate) fn leads_to(
    principal: &Principal,
    action: Action,
    resource: &Resource,
) -> Vec<EntityUid> {
    let mut from = vec![principal_uid(principal), Kind::Action.uid(action.as_str())];
    from.extend(principal.teams.iter().map(|team| Kind::Team.uid(team)));
    from.extend(principal.roles.iter().map(|role| Kind::Role.uid(role)));
    if let Resource::Environment(environment) = resource {
        from.push(Kind::Pool.uid(&environment.pool));
        from.push(Kind::Team.uid(&environment.pool));
        from.push(Kind::User.uid(&environment.owner.trim().to_lowercase()));
    }
    from
}

/// The request, held against the schema.
pub(crate) fn request(
    principal: &Principal,
    action: Action,
    resource: EntityUid,
    circumstances: &Circumstances,
) -> Result<Request, String> {
    let mut context = vec![(
        "channel".to_owned(),
        entity(Kind::Channel, circumstances.channel.as_str()),
    )];
    if action.group() != Group::Read {
        let age = principal.authenticated_at.map_or(NEVER, |at| {
            circumstances.now.duration_since(at).as_secs().max(0)
        });
        context.push((
            "authn_age_s".to_owned(),
            RestrictedExpression::new_long(age),
        ));
    }
    if action.takes_a_place() {
        let live = circumstances.live_in_pool.ok_or_else(|| {
            format!("{action} needs the number of environments that live in the pool")
        })?;
        context.push((
            "live_in_pool".to_owned(),
            RestrictedExpression::new_long(live.into()),
        ));
    }
    let context = Context::from_pairs(context).map_err(|error| with_causes(&error))?;
    Request::new(
        principal_uid(principal),
        Kind::Action.uid(action.as_str()),
        resource,
        context,
        Some(&SCHEMA),
    )
    .map_err(|error| with_causes(&error))
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn entity(kind: Kind, id: &str) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(kind.uid(id))
}
