//! Policies with what they speak of, valid as a whole.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{
    ActionConstraint, Authorizer, Decision, Effect, Entities, EntityUid, Policy, PolicyId,
    Response, ValidationMode, Validator,
};
use serde_json::Value;

use crate::action::{Action, Group};
use crate::circumstances::Circumstances;
use crate::directory::{Directory, with_causes};
use crate::evaluate;
use crate::fault::{PolicyError, PolicyFault};
use crate::floor::{DEFAULTS, FLOOR, FLOOR_PREFIX};
use crate::grain;
use crate::principal::Principal;
use crate::readable::ReadCache;
use crate::resource::Resource;
use crate::schema::{Kind, SCHEMA};
use crate::verdict::{Deciding, Verdict};

/// One policy as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySource {
    /// Its file. A policy without `@id` is called so.
    pub name: Cow<'static, str>,
    /// Its text: one policy.
    pub text: Cow<'static, str>,
}

/// Policies and the teams, pools and people that they speak of: parsed, held against the schema, and ready to decide.
/// It never changes. New policies make a new set, so what a set has decided once it may remember.
pub struct PolicySet {
    by_action: BTreeMap<Action, cedar_policy::PolicySet>,
    known: HashMap<PolicyId, Deciding>,
    literals: Vec<EntityUid>,
    directory: Directory,
    warnings: Vec<PolicyFault>,
    pub(crate) remembered: ReadCache,
}

impl PolicySource {
    /// A policy with the name of its file.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: Cow::Owned(name.into()),
            text: Cow::Owned(text.into()),
        }
    }
}

impl PolicySet {
    /// The floor and the rights that the program comes with; every pool belongs to the team of its name.
    pub fn defaults() -> Result<Self, PolicyError> {
        Self::build(DEFAULTS, &Value::Null)
    }

    /// The floor and these policies, with the entities that `data` lists in Cedar's JSON form (null: none). Every fault is
    /// reported at once, and any of them refuses the whole.
    pub fn build(policies: &[PolicySource], data: &Value) -> Result<Self, PolicyError> {
        let mut faults = Vec::new();
        let directory = Directory::read(data).unwrap_or_else(|fault| {
            faults.push(fault);
            Directory::empty()
        });
        let mut all = cedar_policy::PolicySet::new();
        let mut files = HashMap::new();
        let sources = FLOOR
            .iter()
            .map(|source| (source, true))
            .chain(policies.iter().map(|source| (source, false)));
        for (source, ours) in sources {
            match read(source, ours) {
                Ok(policy) => {
                    let id = policy.id().clone();
                    if let Some(first) = files.insert(id.clone(), source.name.clone()) {
                        faults.push(PolicyFault::new(
                            &source.name,
                            format!(
                                "the id `{id}` is taken by {first}; give each policy its own @id"
                            ),
                        ));
                    } else if let Err(error) = all.add(policy) {
                        faults.push(PolicyFault::new(&source.name, with_causes(&error)));
                    }
                }
                Err(fault) => faults.push(fault),
            }
        }
        let checked = Validator::new(SCHEMA.clone()).validate(&all, ValidationMode::Strict);
        let at = |id: &PolicyId| {
            files
                .get(id)
                .map_or_else(|| id.to_string(), ToString::to_string)
        };
        for error in checked.validation_errors() {
            faults.push(PolicyFault::new(&at(error.policy_id()), with_causes(error)));
        }
        let warnings = checked
            .validation_warnings()
            .map(|warning| PolicyFault::new(&at(warning.policy_id()), with_causes(warning)))
            .collect();
        for policy in all
            .policies()
            .filter(|policy| concerns(policy, Action::ReadEnvironment))
        {
            faults.extend(
                grain::too_fine(policy).map(|message| PolicyFault::new(&at(policy.id()), message)),
            );
        }
        if !faults.is_empty() {
            faults.sort();
            faults.dedup();
            return Err(PolicyError { faults });
        }
        Self::ready(&all, directory, warnings)
    }

    fn ready(
        all: &cedar_policy::PolicySet,
        directory: Directory,
        warnings: Vec<PolicyFault>,
    ) -> Result<Self, PolicyError> {
        let mut by_action = BTreeMap::new();
        for action in Action::ALL {
            let concerned = all
                .policies()
                .filter(|policy| concerns(policy, action))
                .cloned();
            let set =
                cedar_policy::PolicySet::from_policies(concerned).map_err(|error| PolicyError {
                    faults: vec![PolicyFault::new(action.as_str(), with_causes(&error))],
                })?;
            by_action.insert(action, set);
        }
        Ok(Self {
            by_action,
            known: all
                .policies()
                .map(|policy| (policy.id().clone(), describe(policy)))
                .collect(),
            literals: named_by_policies(all, &directory),
            directory,
            warnings,
            remembered: ReadCache::default(),
        })
    }

    /// Whether the principal may do this. What cannot be evaluated is denied, and the verdict says why.
    #[must_use]
    pub fn decide(
        &self,
        principal: &Principal,
        action: Action,
        resource: &Resource,
        circumstances: &Circumstances,
    ) -> Verdict {
        self.evaluate(principal, action, resource, circumstances)
            .unwrap_or_else(Verdict::failed)
    }

    /// Whether the principal may turn an environment into another: both must be theirs to act on, so that no change of
    /// type, pool or owner leads out of a policy.
    #[must_use]
    pub fn decide_change(
        &self,
        principal: &Principal,
        action: Action,
        before: &Resource,
        after: &Resource,
        circumstances: &Circumstances,
    ) -> Verdict {
        self.decide(principal, action, before, circumstances)
            .and(self.decide(principal, action, after, circumstances))
    }

    /// What strict validation has to say about a set that it accepts, such as a policy that can never apply.
    #[must_use]
    pub fn warnings(&self) -> &[PolicyFault] {
        &self.warnings
    }

    /// The ids of all policies, the floor's too, in order.
    #[must_use]
    pub fn policy_ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self
            .known
            .values()
            .map(|known| known.policy.as_str())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// How many entities the data name.
    #[must_use]
    pub fn entity_count(&self) -> usize {
        self.directory.len()
    }

    /// The pools that the data name, each with its team. Any other pool belongs to the team of its name.
    #[must_use]
    pub fn pools(&self) -> BTreeMap<String, String> {
        self.directory.pools().collect()
    }

    fn evaluate(
        &self,
        principal: &Principal,
        action: Action,
        resource: &Resource,
        circumstances: &Circumstances,
    ) -> Result<Verdict, String> {
        let policies = self
            .concerning(action)
            .ok_or_else(|| format!("{action} is no action"))?;
        let (uid, objects) = evaluate::resource_entities(resource, &self.directory)?;
        let request = evaluate::request(principal, action, uid, circumstances)?;
        let from = evaluate::leads_to(principal, action, resource)
            .into_iter()
            .chain(self.literals.iter().cloned());
        let mut entities = self.directory.reachable(from);
        for object in objects {
            entities.entry(object.uid()).or_insert(object);
        }
        let asker = evaluate::principal_entity(principal, &self.directory)?;
        entities.insert(asker.uid(), asker);
        let entities = Entities::from_entities(entities.into_values(), None)
            .map_err(|error| with_causes(&error))?;

        let response = Authorizer::new().is_authorized(&request, policies, &entities);
        Ok(self.verdict(&response))
    }

    /// What Cedar has decided, made stricter: Cedar passes over a policy that fails, also one that would have forbidden.
    /// Here a failure denies.
    pub(crate) fn verdict(&self, response: &Response) -> Verdict {
        let mut errors: Vec<String> = response
            .diagnostics()
            .errors()
            .map(|error| with_causes(error))
            .collect();
        errors.sort();
        let permitted = response.decision() == Decision::Allow;
        let allowed = permitted && errors.is_empty();
        let reasons = response.diagnostics().reason();
        let mut deciding: Vec<Deciding> = reasons
            .filter(|_| allowed || !permitted)
            .filter_map(|id| self.known.get(id).cloned())
            .collect();
        deciding.sort_by(|a, b| a.policy.cmp(&b.policy));
        Verdict {
            allowed,
            deciding,
            errors,
        }
    }

    /// The policies that can apply to an action.
    pub(crate) fn concerning(&self, action: Action) -> Option<&cedar_policy::PolicySet> {
        self.by_action.get(&action)
    }

    /// What the data name.
    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }
}

impl std::fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicySet")
            .field("policies", &self.policy_ids())
            .field("entities", &self.entity_count())
            .finish_non_exhaustive()
    }
}

/// Reads one policy by itself: whether it is one, and may have its id. Whether it is valid shows in its set.
pub fn check_policy(name: &str, text: &str) -> Result<(), PolicyFault> {
    read(&PolicySource::new(name, text), false).map(|_| ())
}

/// Reads one policy and gives it its id.
fn read(source: &PolicySource, ours: bool) -> Result<Policy, PolicyFault> {
    let fault = |message: String| PolicyFault::new(&source.name, message);
    let policy =
        Policy::parse(Some(PolicyId::new(&*source.name)), &*source.text).map_err(|error| {
            fault(format!(
                "not one Cedar policy: {}; write one policy a file",
                with_causes(&error)
            ))
        })?;
    let id = policy.annotation("id").unwrap_or(&source.name).to_owned();
    if !ours && id.starts_with(FLOOR_PREFIX) {
        return Err(fault(format!(
            "the id `{id}` begins with `{FLOOR_PREFIX}`, which is kept for the rules that come with the program"
        )));
    }
    if ours && (!id.starts_with(FLOOR_PREFIX) || policy.effect() != Effect::Forbid) {
        return Err(fault(
            "a rule of the floor forbids, and its id says that it is one".to_owned(),
        ));
    }
    Ok(policy.new_id(PolicyId::new(id)))
}

/// The entities that policies name and the data know: what they belong to and what they say may matter to any request.
fn named_by_policies(all: &cedar_policy::PolicySet, directory: &Directory) -> Vec<EntityUid> {
    let named: BTreeSet<EntityUid> = all.policies().flat_map(Policy::entity_literals).collect();
    let known =
        |uid: &EntityUid| !Kind::Action.is_of(uid) && directory.entities().get(uid).is_some();
    named.into_iter().filter(known).collect()
}

fn describe(policy: &Policy) -> Deciding {
    Deciding {
        policy: policy.id().to_string(),
        reason: policy
            .annotation("reason")
            .filter(|reason| !reason.is_empty())
            .map(str::to_owned),
        limit: policy.annotation("limit").is_some(),
    }
}

/// Whether a policy can apply to an action at all, by its scope.
fn concerns(policy: &Policy, action: Action) -> bool {
    let group = match action.group() {
        Group::Read => "Read",
        Group::Write => "Write",
        Group::Access => "Access",
        Group::Operate => "Operate",
    };
    let (action, group) = (Kind::Action.uid(action.as_str()), Kind::Action.uid(group));
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => uid == action,
        ActionConstraint::In(uids) => uids.iter().any(|uid| *uid == action || *uid == group),
    }
}
