//! Lists: decided once for each class of environments, with the same result as one by one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use claims::EnvironmentType;

use crate::action::Action;
use crate::circumstances::{Channel, Circumstances};
use crate::policy_set::PolicySet;
use crate::principal::Principal;
use crate::resource::{Environment, Origin, Resource};

/// Askers whose answers are remembered. When there are more, all are forgotten: the next list decides its classes anew.
const ASKERS: usize = 1_000;
/// Classes that are remembered for one asker.
const CLASSES: usize = 20_000;

/// What makes two environments the same to every rule for reading (see `grain`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Class {
    pool: String,
    environment_type: EnvironmentType,
    origin: Origin,
    protected: bool,
    owned: bool,
}

type Answers = Arc<Mutex<HashMap<Class, bool>>>;

/// What a set has decided for lists. Its life is that of the set: new policies begin with nothing remembered.
#[derive(Default)]
pub(crate) struct ReadCache {
    askers: Mutex<HashMap<(Principal, Channel), Answers>>,
}

/// One asker's view of lists. Make one for each request; what it finds out is kept for the next.
pub struct Reader<'set> {
    set: &'set PolicySet,
    principal: Principal,
    circumstances: Circumstances,
    answers: Answers,
}

impl PolicySet {
    /// The view that this principal has of lists.
    #[must_use]
    pub fn reader(&self, principal: &Principal, circumstances: &Circumstances) -> Reader<'_> {
        // Rules for reading cannot see the age of a sign-in, so askers that differ in it are the same.
        let asker = Principal {
            authenticated_at: None,
            ..principal.clone()
        };
        let mut askers = self
            .remembered
            .askers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if askers.len() >= ASKERS {
            askers.clear();
        }
        let answers = Arc::clone(
            askers
                .entry((asker.clone(), circumstances.channel))
                .or_default(),
        );
        Reader {
            set: self,
            principal: asker,
            circumstances: *circumstances,
            answers,
        }
    }

    /// Which of these environments the principal may see, in the same order.
    #[must_use]
    pub fn readable<'e>(
        &self,
        principal: &Principal,
        circumstances: &Circumstances,
        environments: impl IntoIterator<Item = &'e Environment>,
    ) -> Vec<bool> {
        let reader = self.reader(principal, circumstances);
        environments
            .into_iter()
            .map(|environment| reader.may_read(environment))
            .collect()
    }
}

impl Reader<'_> {
    /// Whether the asker may see this environment: what [`PolicySet::decide`] says of [`Action::ReadEnvironment`].
    #[must_use]
    pub fn may_read(&self, environment: &Environment) -> bool {
        let class = Class {
            pool: environment.pool.clone(),
            environment_type: environment.environment_type,
            origin: environment.origin,
            protected: environment.protected,
            owned: self.principal.is_owner(&environment.owner),
        };
        if let Some(answer) = self.answers().get(&class) {
            return *answer;
        }
        let resource = Resource::Environment(environment.clone());
        let verdict = self.set.decide(
            &self.principal,
            Action::ReadEnvironment,
            &resource,
            &self.circumstances,
        );
        let mut answers = self.answers();
        if answers.len() >= CLASSES {
            answers.clear();
        }
        answers.insert(class, verdict.allowed);
        verdict.allowed
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<Class, bool>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
