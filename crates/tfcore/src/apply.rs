//! Apply, as `terraform apply` does for one object: a second plan, the change, and what is stored of it.

use tfplugin::Value;

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::error::{CoreError, unbroken};
use crate::instance::Instance;
use crate::plan::{Answer, Change, Planned, Question};
use crate::rules::{Broken, Rule, check_agreement, check_result};
use crate::running::Core;
use crate::schema::Schema;
use crate::values::{json, receive, send, write_only_kept};
use crate::wire::tfplugin6 as pb;

/// How an apply ended.
#[derive(Debug)]
pub struct Applied {
    /// What the state holds now.
    pub instance: Option<Instance>,
    /// What the provider said.
    pub diagnostics: Vec<Diagnostic>,
    /// Why core did not even ask the provider to apply: the second plan was refused.
    pub refused: Option<CoreError>,
    /// The rules that the provider broke.
    pub broken: Vec<Broken>,
}

impl Applied {
    /// What the state holds now, if all went well.
    pub fn into_result(self) -> Result<Option<Instance>, CoreError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        unbroken(self.broken)?;
        if self.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(CoreError::Refused(self.diagnostics));
        }
        Ok(self.instance)
    }

    fn unchanged(instance: Option<Instance>) -> Self {
        Self {
            instance,
            diagnostics: Vec::new(),
            refused: None,
            broken: Vec::new(),
        }
    }

    fn refused(instance: Option<Instance>, why: CoreError) -> Self {
        Self {
            refused: Some(why),
            ..Self::unchanged(instance)
        }
    }

    fn went_well(&self) -> bool {
        self.refused.is_none()
            && self.broken.is_empty()
            && !self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// One call of `ApplyResourceChange`.
struct Step<'a> {
    type_name: &'a str,
    prior: &'a Value,
    before: Option<&'a Instance>,
    config: &'a Value,
    answer: &'a Answer,
    planned: &'a Value,
}

impl Core {
    /// Carries a plan out. The configuration is the final one: what was unknown in the plan is known now. Without one the
    /// plan was to destroy.
    pub async fn apply(&self, planned: Planned, config: Option<&Config>) -> Applied {
        let before = planned.before.clone();
        match planned.change {
            Change::Nothing => Applied::unchanged(before),
            Change::Delete => Box::pin(self.delete(&planned, before)).await,
            Change::Create | Change::Update => {
                Box::pin(self.change(&planned, before, config)).await
            }
            Change::Replace => {
                let deleted = Box::pin(self.delete(&planned, before)).await;
                if !deleted.went_well() {
                    return deleted;
                }
                let mut made = Box::pin(self.change(&planned, None, config)).await;
                made.diagnostics.splice(..0, deleted.diagnostics);
                made
            }
        }
    }

    /// Plans and applies. The slot holds what the state holds afterwards, whatever happens.
    pub async fn converge(
        &self,
        type_name: &str,
        slot: &mut Option<Instance>,
        config: &Config,
    ) -> Result<Change, CoreError> {
        let planned = self.plan(type_name, slot.as_ref(), Some(config)).await?;
        let change = planned.change;
        self.settle(slot, planned, Some(config)).await?;
        Ok(change)
    }

    /// Plans a destroy and carries it out. The slot holds what the state holds afterwards, whatever happens.
    pub async fn destroy(&self, slot: &mut Option<Instance>) -> Result<(), CoreError> {
        let Some(instance) = slot.clone() else {
            return Ok(());
        };
        let planned = self.plan(&instance.type_name, slot.as_ref(), None).await?;
        self.settle(slot, planned, None).await
    }

    async fn settle(
        &self,
        slot: &mut Option<Instance>,
        planned: Planned,
        config: Option<&Config>,
    ) -> Result<(), CoreError> {
        let applied = self.apply(planned, config).await;
        slot.clone_from(&applied.instance);
        applied.into_result().map(drop)
    }

    /// Plans, and breaks rule G19 if there is something to do.
    pub async fn settled(
        &self,
        type_name: &str,
        slot: Option<&Instance>,
        config: &Config,
    ) -> Result<(), CoreError> {
        let planned = self.plan(type_name, slot, Some(config)).await?;
        if planned.change == Change::Nothing {
            return Ok(());
        }
        let before = match &planned.before {
            Some(before) => self.current(before).await?,
            None => Value::Null,
        };
        let mut broken = check_agreement(&before, &planned.answer.planned);
        for broken in &mut broken {
            broken.rule = Rule::G19;
        }
        let what = format!("the plan after apply is to {:?}", planned.change);
        broken.push(Broken::new(Rule::G19, "", what));
        Err(CoreError::Broken(broken))
    }

    async fn delete(&self, planned: &Planned, before: Option<Instance>) -> Applied {
        let Some(instance) = before else {
            return Applied::unchanged(None);
        };
        let prior = match self.current(&instance).await {
            Ok(prior) => prior,
            Err(error) => return Applied::refused(Some(instance), error),
        };
        self.step(Step {
            type_name: &planned.type_name,
            prior: &prior,
            before: Some(&instance),
            config: &Value::Null,
            answer: &planned.answer,
            planned: &Value::Null,
        })
        .await
    }

    /// A create or update: validated and planned again, since configurations may have become known.
    async fn change(
        &self,
        planned: &Planned,
        before: Option<Instance>,
        config: Option<&Config>,
    ) -> Applied {
        match self.second_plan(planned, before.as_ref(), config).await {
            Err(error) => Applied::refused(before, error),
            Ok((prior, _, answer)) if answer.planned == prior => Applied::unchanged(before),
            Ok((prior, config, answer)) => {
                self.step(Step {
                    type_name: &planned.type_name,
                    prior: &prior,
                    before: before.as_ref(),
                    config: &config,
                    planned: &answer.planned,
                    answer: &answer,
                })
                .await
            }
        }
    }

    async fn second_plan(
        &self,
        planned: &Planned,
        before: Option<&Instance>,
        config: Option<&Config>,
    ) -> Result<(Value, Value, Answer), CoreError> {
        let schema = self.resource(&planned.type_name)?;
        let config = config.unwrap_or(&Config::default()).evaluate(schema)?;
        self.validate_value(&planned.type_name, schema, &config)
            .await?;
        let prior = match before {
            Some(instance) => self.current(instance).await?,
            None => Value::Null,
        };
        let question = Question {
            type_name: &planned.type_name,
            prior: &prior,
            config: &config,
            private: before.map_or(&[], Instance::private),
            identity: before.and_then(Instance::identity),
            first: &planned.answer.private,
        };
        let answer = self.ask(&question).await?;
        unbroken(check_agreement(&planned.answer.planned, &answer.planned))?;
        Ok((prior, config, answer))
    }

    async fn step(&self, step: Step<'_>) -> Applied {
        let sent = self.request(&step);
        let request = match sent {
            Ok(request) => request,
            Err(error) => return Applied::refused(step.before.cloned(), error),
        };
        let answer = match self.client().apply_resource_change(request).await {
            Ok(answer) => answer.into_inner(),
            // The provider is gone or broke down: what it made is lost.
            Err(status) => {
                let mut applied = Applied::unchanged(step.before.cloned());
                applied.broken.push(status.into());
                return applied;
            }
        };
        match self.resource(step.type_name) {
            Ok(schema) => self.stored(&step, schema, answer),
            Err(error) => Applied::refused(step.before.cloned(), error),
        }
    }

    fn request(&self, step: &Step<'_>) -> Result<pb::apply_resource_change::Request, CoreError> {
        let schema = self.resource(step.type_name)?;
        Ok(pb::apply_resource_change::Request {
            type_name: step.type_name.to_owned(),
            prior_state: send(&schema.ty, step.prior)?,
            planned_state: send(&schema.ty, step.planned)?,
            config: send(&schema.ty, step.config)?,
            planned_private: step.answer.private.clone(),
            provider_meta: None,
            planned_identity: step.answer.identity.clone(),
        })
    }

    /// What core stores of an answer.
    fn stored(
        &self,
        step: &Step<'_>,
        schema: &Schema,
        answer: pb::apply_resource_change::Response,
    ) -> Applied {
        let mut applied = Applied::unchanged(None);
        applied.diagnostics = Diagnostic::read(answer.diagnostics);
        let failed = applied.diagnostics.iter().any(Diagnostic::is_error);
        let mut report = |rule, path: &str, what: &str| {
            applied.broken.push(Broken::new(rule, path, what));
        };
        let new = match receive(&schema.ty, answer.new_state.as_ref()) {
            Ok(new) => new,
            Err(error) => {
                report(Rule::C24, &error.path().to_string(), &error.to_string());
                return applied;
            }
        };
        let mut kept = Vec::new();
        write_only_kept(&schema.body, &new, "", &mut kept);
        if !kept.is_empty() {
            for path in kept {
                report(Rule::C17, &path, "keeps a write-only value in the state");
            }
            return applied;
        }
        match (step.planned.is_null(), new.is_null()) {
            (_, true) if failed && step.before.is_some() => {
                applied.instance = step.before.cloned();
                return applied;
            }
            (true, false) if !failed => report(Rule::C23, "", "is there after its delete"),
            (false, true) if !failed => report(Rule::C23, "", "is null after a create or update"),
            _ => {}
        }
        if new.is_null() {
            return applied;
        }
        if !step.planned.is_null() && !failed {
            applied.broken.extend(check_result(step.planned, &new));
        }
        let identity = self.identity(step.type_name, answer.new_identity.as_ref(), false);
        let identity = identity.unwrap_or_else(|error| {
            applied.broken.extend_from_slice(error.broken());
            None
        });
        let earlier = step.before.and_then(Instance::identity);
        if let (Some(before), Some(now)) = (earlier, &identity)
            && before != now
        {
            let what = "the identity changed in an update";
            applied.broken.push(Broken::new(Rule::Identity, "", what));
        }
        let trouble = failed || !applied.broken.is_empty();
        // A value without unknown parts always has a JSON form.
        applied.instance = json(&new.without_unknowns())
            .ok()
            .map(|attributes| Instance {
                type_name: step.type_name.to_owned(),
                version: schema.version,
                attributes,
                private: answer.private,
                identity: identity.or_else(|| earlier.cloned()),
                tainted: match step.before {
                    Some(before) => before.tainted,
                    None => trouble,
                },
            });
        applied
    }
}
