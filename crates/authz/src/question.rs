//! Questions of others in Cedar's own words, as cedar-agent takes them.

use cedar_policy::{Authorizer, Context, Entities, EntityUid, Request};
use serde::Deserialize;
use serde_json::Value;

use crate::action::Action;
use crate::directory::with_causes;
use crate::policy_set::PolicySet;
use crate::schema::{Kind, SCHEMA};
use crate::verdict::Verdict;

/// A question in Cedar's words: `Slipway::User::"ada@example.org"`, and so on.
#[derive(Clone, Debug, Deserialize)]
pub struct Question {
    /// Who asks.
    pub principal: String,
    /// What they want to do.
    pub action: String,
    /// To which object.
    pub resource: String,
    /// How and when.
    #[serde(default)]
    pub context: Option<Value>,
    /// Entities to decide with instead of those of the policy data.
    #[serde(default)]
    pub entities: Option<Value>,
    /// Entities to decide with beside those of the policy data.
    #[serde(default)]
    pub additional_entities: Option<Value>,
    /// Policies of the asker's own. There are none but ours, so a question that brings some is refused.
    #[serde(default)]
    pub policies: Option<Value>,
}

impl PolicySet {
    /// Answers a question of a neighbour, such as a gateway. It is held against the schema like one of ours; what the
    /// neighbour says of a principal is believed, so only those who may be believed may ask.
    pub fn answer(&self, question: &Question) -> Result<Verdict, String> {
        if question.policies.is_some() {
            return Err("a question cannot bring policies of its own".to_owned());
        }
        let uid = |what: &str, text: &str| {
            text.parse::<EntityUid>()
                .map_err(|error| format!("{what}: {}", with_causes(&error)))
        };
        let action = uid("action", &question.action)?;
        let context = question
            .context
            .clone()
            .unwrap_or_else(|| serde_json::json!({}));
        let context = Context::from_json_value(context, Some((&SCHEMA, &action)))
            .map_err(|error| format!("context: {}", with_causes(&error)))?;
        let request = Request::new(
            uid("principal", &question.principal)?,
            action.clone(),
            uid("resource", &question.resource)?,
            context,
            Some(&SCHEMA),
        )
        .map_err(|error| with_causes(&error))?;
        let entities = self.entities_for(question)?;
        let known = Action::ALL
            .into_iter()
            .find(|known| Kind::Action.uid(known.as_str()) == action);
        let policies = known
            .and_then(|known| self.concerning(known))
            .ok_or("action: it is a group, name one of its actions")?;
        let response = Authorizer::new().is_authorized(&request, policies, &entities);
        Ok(self.verdict(&response))
    }

    fn entities_for(&self, question: &Question) -> Result<Entities, String> {
        let read = |value: &Value| {
            Entities::from_json_value(value.clone(), Some(&SCHEMA))
                .map_err(|error| format!("entities: {}", with_causes(&error)))
        };
        let known = match &question.entities {
            Some(own) => read(own)?,
            None => self.directory().entities().clone(),
        };
        match &question.additional_entities {
            None => Ok(known),
            Some(more) => {
                let more = read(more)?;
                known
                    .upsert_entities(more.iter().cloned(), None)
                    .map_err(|error| format!("entities: {}", with_causes(&error)))
            }
        }
    }
}
