//! The teams, pools and people that policies speak of, as the policy data name them.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{Entities, Entity, EntityUid, EvalResult};
use serde_json::Value;

use crate::fault::PolicyFault;
use crate::schema::{Kind, SCHEMA};

/// Where faults of the data are.
const DATA: &str = "data";

/// Everything that is known beside the request. Environments are never part of it: each request brings its own.
#[derive(Debug)]
pub(crate) struct Directory {
    entities: Entities,
}

impl Directory {
    /// Nothing known: every pool belongs to the team of its name.
    pub(crate) fn empty() -> Self {
        // The actions and their groups belong to every set; with data the reader adds them itself.
        Self {
            entities: SCHEMA
                .action_entities()
                .unwrap_or_else(|_| Entities::empty()),
        }
    }

    /// Reads the list of entities in Cedar's JSON form.
    pub(crate) fn read(data: &Value) -> Result<Self, PolicyFault> {
        if data.is_null() {
            return Ok(Self::empty());
        }
        let entities = Entities::from_json_value(data.clone(), Some(&SCHEMA))
            .map_err(|error| PolicyFault::new(DATA, with_causes(&error)))?;
        let foreign = entities.iter().map(Entity::uid).find(|uid| {
            [Kind::Environment, Kind::Platform]
                .iter()
                .any(|kind| kind.is_of(uid))
        });
        match foreign {
            Some(uid) => Err(PolicyFault::new(
                DATA,
                format!(
                    "{uid} stands in the data; name teams, roles, pools and people there, environments come from their claims"
                ),
            )),
            None => Ok(Self { entities }),
        }
    }

    /// All of it.
    pub(crate) const fn entities(&self) -> &Entities {
        &self.entities
    }

    /// How many entities it holds.
    pub(crate) fn len(&self) -> usize {
        self.entities
            .iter()
            .filter(|entity| !Kind::Action.is_of(&entity.uid()))
            .count()
    }

    /// The team that a pool belongs to.
    pub(crate) fn team_of(&self, pool: &str) -> EntityUid {
        self.entities
            .get(&Kind::Pool.uid(pool))
            .and_then(team_of)
            .unwrap_or_else(|| Kind::Team.uid(pool))
    }

    /// The known pools and their teams, by name.
    pub(crate) fn pools(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.entities
            .iter()
            .filter(|entity| Kind::Pool.is_of(&entity.uid()))
            .filter_map(|entity| {
                let team = team_of(entity)?;
                Some((
                    entity.uid().id().unescaped().to_owned(),
                    team.id().unescaped().to_owned(),
                ))
            })
    }

    /// What the data say an entity belongs to.
    pub(crate) fn parents(&self, uid: &EntityUid) -> impl Iterator<Item = EntityUid> + '_ {
        self.entities.ancestors(uid).into_iter().flatten().cloned()
    }

    /// The entities that can be reached from some: them, what they belong to and what they name. A request is decided
    /// with these alone, so that its cost does not grow with the directory.
    pub(crate) fn reachable(
        &self,
        from: impl IntoIterator<Item = EntityUid>,
    ) -> HashMap<EntityUid, Entity> {
        let mut found = HashMap::new();
        let mut open: Vec<EntityUid> = from.into_iter().collect();
        let mut seen: BTreeSet<EntityUid> = BTreeSet::new();
        while let Some(uid) = open.pop() {
            if !seen.insert(uid.clone()) {
                continue;
            }
            if let Some(entity) = self.entities.get(&uid) {
                open.extend(self.parents(&uid));
                open.extend(team_of(entity));
                found.insert(uid, entity.clone());
            }
        }
        found
    }
}

fn team_of(entity: &Entity) -> Option<EntityUid> {
    match entity.attr("team") {
        Some(Ok(EvalResult::EntityUid(team))) => Some(team),
        _ => None,
    }
}

/// An error with everything beneath it, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
