//! Refresh and plan, as `terraform plan` does for one object.

use serde_json::Value as Json;
use tfplugin::{Value, ValueError};

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::error::{CoreError, accepted, unbroken};
use crate::instance::Instance;
use crate::proposed::proposed;
use crate::rules::{Broken, Rule, check_plan, replaced};
use crate::running::Core;
use crate::schema::Schema;
use crate::values::{json, receive, send, write_only_kept};
use crate::wire::tfplugin6 as pb;

/// What is going to happen to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and made anew.
    Replace,
    /// It is deleted.
    Delete,
}

/// A plan for one object.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What is going to happen.
    pub change: Change,
    /// The object as the refresh found it; nothing if there is none (any more).
    pub before: Option<Instance>,
    /// The attributes that need a new object.
    pub replaces: Vec<String>,
    /// What the provider warned of.
    pub warnings: Vec<Diagnostic>,
    pub(crate) type_name: String,
    pub(crate) answer: Answer,
}

impl Planned {
    /// The planned value of a top-level attribute.
    #[must_use]
    pub fn after(&self, name: &str) -> &Value {
        crate::values::child(&self.answer.planned, name)
    }

    /// The top-level attributes that are `(known after apply)`, wholly or in part.
    #[must_use]
    pub fn unknown(&self) -> Vec<&str> {
        let Value::Object(fields) = &self.answer.planned else {
            return Vec::new();
        };
        let unknown = fields.iter().filter(|(_, value)| !value.is_wholly_known());
        unknown.map(|(name, _)| name.as_str()).collect()
    }
}

/// What a provider planned.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) planned: Value,
    pub(crate) private: Vec<u8>,
    pub(crate) identity: Option<pb::ResourceIdentityData>,
    pub(crate) replaces: Vec<pb::AttributePath>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// What core asks a plan about.
pub(crate) struct Question<'a> {
    pub(crate) type_name: &'a str,
    pub(crate) prior: &'a Value,
    pub(crate) config: &'a Value,
    pub(crate) private: &'a [u8],
    pub(crate) identity: Option<&'a Json>,
    /// What the first plan left, when this is the second one.
    pub(crate) first: &'a [u8],
}

impl Core {
    /// Checks a configuration as `terraform validate` does. Returns warnings.
    pub async fn validate(
        &self,
        type_name: &str,
        config: &Config,
    ) -> Result<Vec<Diagnostic>, CoreError> {
        let schema = self.resource(type_name)?;
        self.validate_value(type_name, schema, &config.evaluate(schema)?)
            .await
    }

    pub(crate) async fn validate_value(
        &self,
        type_name: &str,
        schema: &Schema,
        config: &Value,
    ) -> Result<Vec<Diagnostic>, CoreError> {
        let request = pb::validate_resource_config::Request {
            type_name: type_name.to_owned(),
            config: send(&schema.ty, config)?,
            client_capabilities: self.features.told(),
        };
        let answer = self.client().validate_resource_config(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))
    }

    /// The object as it is now; nothing if it is gone.
    pub async fn refresh(&self, instance: &Instance) -> Result<Option<Instance>, CoreError> {
        let schema = self.resource(&instance.type_name)?;
        let state = self.current(instance).await?;
        let request = pb::read_resource::Request {
            type_name: instance.type_name.clone(),
            current_state: send(&schema.ty, &state)?,
            private: instance.private.clone(),
            provider_meta: None,
            client_capabilities: self.features.told(),
            current_identity: self.sent_identity(&instance.type_name, instance.identity())?,
        };
        let answer = self.client().read_resource(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))?;
        let found =
            receive(&schema.ty, answer.new_state.as_ref()).map_err(|error| misshapen(&error))?;
        if found.is_null() {
            return Ok(None);
        }
        whole(schema, &found, Rule::C30)?;
        let identity = self.identity(&instance.type_name, answer.new_identity.as_ref(), false)?;
        Ok(Some(Instance {
            attributes: json(&found)?,
            version: schema.version,
            private: answer.private,
            identity: identity.or_else(|| instance.identity.clone()),
            ..instance.clone()
        }))
    }

    /// Refreshes and plans: towards a configuration, or without one towards nothing.
    pub async fn plan(
        &self,
        type_name: &str,
        instance: Option<&Instance>,
        config: Option<&Config>,
    ) -> Result<Planned, CoreError> {
        let before = match instance {
            Some(instance) => Box::pin(self.refresh(instance)).await?,
            None => None,
        };
        match config {
            Some(config) => Box::pin(self.plan_change(type_name, before, config)).await,
            None => Box::pin(self.plan_destroy(type_name, before)).await,
        }
    }

    async fn plan_change(
        &self,
        type_name: &str,
        before: Option<Instance>,
        config: &Config,
    ) -> Result<Planned, CoreError> {
        let schema = self.resource(type_name)?;
        let config = config.evaluate(schema)?;
        let mut warnings = self.validate_value(type_name, schema, &config).await?;
        let kept = before.as_ref().filter(|instance| !instance.tainted);
        let prior = match kept {
            Some(instance) => self.current(instance).await?,
            None => Value::Null,
        };
        let question = Question {
            type_name,
            prior: &prior,
            config: &config,
            private: kept.map_or(&[], Instance::private),
            identity: kept.and_then(Instance::identity),
            first: &[],
        };
        let mut answer = self.ask(&question).await?;
        let replaces = match &prior {
            Value::Null => Vec::new(),
            prior => replaced(&schema.body, prior, &answer.planned, &answer.replaces)?,
        };
        let mut change = match (&before, kept) {
            (None, _) => Change::Create,
            (Some(_), None) => Change::Replace,
            _ if answer.planned == prior => Change::Nothing,
            _ => Change::Update,
        };
        warnings.append(&mut answer.warnings);
        if change == Change::Update && !replaces.is_empty() {
            change = Change::Replace;
            let again = Question {
                prior: &Value::Null,
                private: &answer.private,
                identity: None,
                ..question
            };
            answer = self.ask(&again).await?;
        }
        Ok(Planned {
            change,
            before,
            replaces,
            warnings,
            type_name: type_name.to_owned(),
            answer,
        })
    }

    async fn plan_destroy(
        &self,
        type_name: &str,
        before: Option<Instance>,
    ) -> Result<Planned, CoreError> {
        let mut planned = Planned {
            change: Change::Nothing,
            replaces: Vec::new(),
            warnings: Vec::new(),
            type_name: type_name.to_owned(),
            answer: Answer::nothing(),
            before,
        };
        let Some(instance) = &planned.before else {
            return Ok(planned);
        };
        planned.change = Change::Delete;
        planned.answer.private.clone_from(&instance.private);
        if self.schemas.capabilities.plan_destroy {
            let prior = self.current(instance).await?;
            let mut answer = self
                .ask(&Question {
                    type_name,
                    prior: &prior,
                    config: &Value::Null,
                    private: &instance.private,
                    identity: instance.identity(),
                    first: &[],
                })
                .await?;
            planned.warnings = std::mem::take(&mut answer.warnings);
            planned.answer = answer;
        }
        Ok(planned)
    }

    /// One plan, checked.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Answer, CoreError> {
        let schema = self.resource(question.type_name)?;
        let (prior, config) = (question.prior, question.config);
        let proposal = proposed(&schema.body, prior, config, self.features.computed_blocks);
        let first = if self.features.planned_private {
            question.first
        } else {
            &[]
        };
        let request = pb::plan_resource_change::Request {
            type_name: question.type_name.to_owned(),
            prior_state: send(&schema.ty, prior)?,
            proposed_new_state: send(&schema.ty, &proposal)?,
            config: send(&schema.ty, config)?,
            prior_private: question.private.to_vec(),
            provider_meta: None,
            client_capabilities: self.features.told(),
            prior_identity: self.sent_identity(question.type_name, question.identity)?,
            planned_private: first.to_vec(),
        };
        let answer = self.client().plan_resource_change(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        let warnings = accepted(Diagnostic::read(answer.diagnostics))?;
        let planned = receive(&schema.ty, answer.planned_state.as_ref())
            .map_err(|error| misshapen(&error))?;
        if config.is_null() {
            if !planned.is_null() {
                let what = "a destroy is planned with a value";
                return Err(Broken::new(Rule::C20, "", what).into());
            }
        } else {
            let allowed = self.features.computed_blocks;
            unbroken(check_plan(&schema.body, prior, config, &planned, allowed))?;
        }
        let identity = answer.planned_identity;
        self.identity(question.type_name, identity.as_ref(), prior.is_null())?;
        Ok(Answer {
            planned,
            private: answer.planned_private,
            replaces: answer.requires_replace,
            identity: identity.filter(|_| self.features.identity),
            warnings,
        })
    }

    /// An identity on its way to the provider.
    pub(crate) fn sent_identity(
        &self,
        type_name: &str,
        identity: Option<&Json>,
    ) -> Result<Option<pb::ResourceIdentityData>, CoreError> {
        let known = self.schemas.identities.get(type_name);
        let (Some(schema), Some(identity), true) = (known, identity, self.features.identity) else {
            return Ok(None);
        };
        let root = tfplugin::AttributePath::root();
        let value = tfplugin::value::decode_json(&schema.ty, identity, &root)?;
        Ok(Some(pb::ResourceIdentityData {
            identity_data: send(&schema.ty, &value)?,
        }))
    }

    /// An identity that the provider sent, checked.
    pub(crate) fn identity(
        &self,
        type_name: &str,
        sent: Option<&pb::ResourceIdentityData>,
        may_be_unknown: bool,
    ) -> Result<Option<Json>, CoreError> {
        let broken = |what: &str| Broken::new(Rule::Identity, "", what);
        let Some(data) = sent.and_then(|sent| sent.identity_data.as_ref()) else {
            return Ok(None);
        };
        let schema = self.schemas.identities.get(type_name);
        let schema = schema.ok_or_else(|| broken("there is an identity and no schema for it"))?;
        let value = receive(&schema.ty, Some(data)).map_err(|e| broken(&e.to_string()))?;
        match value {
            Value::Null => Ok(None),
            value if value.is_wholly_known() => Ok(Some(json(&value)?)),
            _ if may_be_unknown => Ok(None),
            _ => Err(broken("the identity is not known").into()),
        }
    }
}

impl Answer {
    fn nothing() -> Self {
        Self {
            planned: Value::Null,
            private: Vec::new(),
            identity: None,
            replaces: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// An answer that cannot be read by the schema.
pub(crate) fn misshapen(error: &ValueError) -> CoreError {
    Broken::new(Rule::C24, error.path().to_string(), error.to_string()).into()
}

/// A state that a provider sent outside of a plan is wholly known and holds no write-only value.
pub(crate) fn whole(schema: &Schema, state: &Value, rule: Rule) -> Result<(), CoreError> {
    let mut kept = Vec::new();
    write_only_kept(&schema.body, state, "", &mut kept);
    let what = "keeps a write-only value in the state";
    let kept = kept
        .into_iter()
        .map(|path| Broken::new(Rule::C17, path, what));
    let mut broken: Vec<Broken> = kept.collect();
    if !state.is_wholly_known() {
        broken.push(Broken::new(rule, "", "is not wholly known"));
    }
    unbroken(broken)
}
