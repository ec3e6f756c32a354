//! Data that core keeps with a resource for the provider alone.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// Named JSON values that Terraform stores beside the state and never shows. They are not encrypted: no secrets here.
///
/// What a plan writes is handed to the apply that follows; what create, update and read leave is stored. Names that
/// begin with `@` belong to the framework and are not stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Private(BTreeMap<String, Json>);

/// The entry that tells an apply what its plan was. Core hands the delete half of a replace the private data of the new
/// object's plan, which is how the two kinds of delete are told apart.
const ACTION: &str = "@action";

/// The entry with what a plan chose that would not come out the same again.
const CHOICES: &str = "@choices";

/// What a plan chose, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Choices(serde_json::Map<String, Json>);

impl Choices {
    /// What was chosen under this name before, or what is made now.
    pub(crate) fn choose<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        make: impl FnOnce() -> T,
    ) -> Result<T, serde_json::Error> {
        if let Some(chosen) = self.0.get(name) {
            return serde_json::from_value(chosen.clone());
        }
        let chosen = make();
        self.0
            .insert(name.to_owned(), serde_json::to_value(&chosen)?);
        Ok(chosen)
    }
}

/// What a plan is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlannedAction {
    Create,
    Update,
    Destroy,
}

impl PlannedAction {
    const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Destroy];

    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Destroy => "destroy",
        }
    }
}

impl Private {
    /// Reads a value; nothing if it is absent or of another shape.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_value(self.0.get(name)?.clone()).ok()
    }

    /// Writes a value. One that JSON cannot hold, such as a map with structured keys, is refused.
    pub fn set<T: Serialize>(
        &mut self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        self.0.insert(name.into(), serde_json::to_value(value)?);
        Ok(())
    }

    /// Forgets a value.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// True if nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that are not ours, as after a move from another provider, count as nothing kept.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        Self(serde_json::from_slice(bytes).unwrap_or_default())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        // A map of strings to JSON always has a JSON form.
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// The bytes of a plan, marked with what it is going to do.
    pub(crate) fn planned_for(mut self, action: PlannedAction) -> Vec<u8> {
        self.0.insert(ACTION.to_owned(), action.name().into());
        self.encode()
    }

    /// With what a plan chose, for the plan that is made again at apply.
    pub(crate) fn with_choices(mut self, choices: Option<Choices>) -> Self {
        if let Some(Choices(choices)) = choices.filter(|choices| !choices.0.is_empty()) {
            self.0.insert(CHOICES.to_owned(), Json::Object(choices));
        }
        self
    }

    /// What the plan that left these bytes chose.
    pub(crate) fn choices(&self) -> Choices {
        Choices(self.get(CHOICES).unwrap_or_default())
    }

    /// What the plan that left these bytes was going to do.
    pub(crate) fn planned_action(&self) -> Option<PlannedAction> {
        let name = self.0.get(ACTION)?.as_str()?;
        PlannedAction::ALL
            .into_iter()
            .find(|action| action.name() == name)
    }

    /// Without what the framework wrote for the way from plan to apply.
    pub(crate) fn into_stored(mut self) -> Self {
        self.0.retain(|name, _| !name.starts_with('@'));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c28_survives_the_way_through_core() {
        let mut private = Private::default();
        private.set("attempt", &3).unwrap();
        let back = Private::decode(&private.planned_for(PlannedAction::Create));
        assert_eq!(back.planned_action(), Some(PlannedAction::Create));
        assert_eq!(back.get::<u32>("attempt"), Some(3));
        assert_eq!(back.clone().into_stored().planned_action(), None);
        assert_eq!(back.get::<String>("attempt"), None);
        assert!(Private::decode(b"\xffforeign").is_empty());
        assert!(Private::default().encode().is_empty());
    }
}
