//! A plan: the schema's rules, then the resource's hook, then the check that core would make.

use std::sync::Arc;

use super::catalog::Kind;
use super::{Inner, wire};
use crate::checks::{check_plan, check_replacement, conform};
use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::planning::{Fields, apply_rules, follow_hook, replacements};
use crate::private::{PlannedAction, Private};
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::resource::{Change, Plan, PlanDestroy, Resource};
use crate::stop::Stop;
use crate::value::Object;

use pb::plan_resource_change::{Request, Response};

impl<P: Provider> Inner<P> {
    pub(super) async fn plan_resource_change(
        self: Arc<Self>,
        request: Request,
        stop: Stop,
    ) -> Result<Response, Diagnostics> {
        let kind = self.catalog().resource(&request.type_name)?;
        let prior = wire::decode_object(&kind.ty, request.prior_state.as_ref())?;
        let proposed = wire::decode_object(&kind.ty, request.proposed_new_state.as_ref())?;
        match (prior, proposed) {
            (prior, Some(proposed)) => {
                self.plan_change(&kind, &request, prior, proposed, stop)
                    .await
            }
            (Some(prior), None) => self.plan_destroy(&kind, &request, prior, stop).await,
            (None, None) => Ok(Response::default()),
        }
    }

    async fn plan_change(
        &self,
        kind: &Kind<dyn Resource<P::Client>>,
        request: &Request,
        prior: Option<Object>,
        proposed: Object,
        stop: Stop,
    ) -> Result<Response, Diagnostics> {
        let config = wire::decode_config(&kind.ty, request.config.as_ref())?;
        let before = prior.as_ref().map(Object::fields);
        let mut ruled = proposed.into_fields();
        let client = request.client_capabilities.unwrap_or_default();
        apply_rules(
            kind.schema.body(),
            &mut ruled,
            config.fields(),
            before,
            client.computed_blocks_allowed,
        );
        let change = if prior.is_some() {
            Change::Update
        } else {
            Change::Create
        };
        let mut op = Plan {
            client: self.client()?,
            change,
            replace: replaced(kind, before, &ruled),
            planned: ruled.clone().into_iter().collect(),
            private: Private::decode(&request.prior_private).into_stored(),
            choices: client
                .store_planned_private
                .then(|| Private::decode(&request.planned_private).choices()),
            computed_blocks: client.computed_blocks_allowed,
            warnings: Diagnostics::new(),
            prior,
            config,
            stop,
        };
        let planned = kind.handler.plan(&mut op).await;
        planned.map_err(|errors| op.warnings.clone().then(errors))?;
        self.planned(kind, request, op, &ruled)
    }

    /// The answer to a plan, once it is what core accepts.
    fn planned(
        &self,
        kind: &Kind<dyn Resource<P::Client>>,
        request: &Request,
        op: Plan<P::Client>,
        ruled: &Fields,
    ) -> Result<Response, Diagnostics> {
        let body = kind.schema.body();
        let before = op.prior.as_ref().map(Object::fields);
        let conformed = conform(body, op.planned.into_fields(), Some(ruled));
        conformed.problems.into_result()?;
        let mut planned = conformed.fields;
        if before.is_some() {
            follow_hook(body, &mut planned, ruled, op.config.fields());
        }
        check_plan(
            body,
            &planned,
            op.config.fields(),
            before,
            op.computed_blocks,
        )
        .into_result()?;
        let mut replace = op.replace;
        replace.extend(replaced(kind, before, &planned));
        replace.sort();
        replace.dedup();
        if let Some(before) = before {
            check_replacement(&replace, before, &planned).into_result()?;
        }
        let planned_identity = match &request.prior_identity {
            Some(identity) if before.is_some() => Some(identity.clone()),
            _ => self.identity(kind, &planned)?,
        };
        let private = op.private.with_choices(op.choices);
        let planned_private = match before {
            Some(before) if *before == planned => request.prior_private.clone(),
            Some(_) => private.planned_for(PlannedAction::Update),
            None => private.planned_for(PlannedAction::Create),
        };
        Ok(Response {
            planned_state: Some(wire::encode_state(&kind.ty, Some(planned))?),
            requires_replace: replace.iter().map(wire::attribute_path).collect(),
            planned_private,
            diagnostics: wire::diagnostics(op.warnings),
            planned_identity,
            ..Response::default()
        })
    }

    async fn plan_destroy(
        &self,
        kind: &Kind<dyn Resource<P::Client>>,
        request: &Request,
        prior: Object,
        stop: Stop,
    ) -> Result<Response, Diagnostics> {
        let mut op = PlanDestroy {
            client: self.client()?,
            prior,
            private: Private::decode(&request.prior_private).into_stored(),
            warnings: Diagnostics::new(),
            stop,
        };
        let planned = kind.handler.plan_destroy(&mut op).await;
        planned.map_err(|errors| op.warnings.clone().then(errors))?;
        Ok(Response {
            planned_state: Some(wire::encode_state(&kind.ty, None)?),
            planned_private: op.private.planned_for(PlannedAction::Destroy),
            diagnostics: wire::diagnostics(op.warnings),
            planned_identity: request.prior_identity.clone(),
            ..Response::default()
        })
    }
}

/// What the schema's rules say needs a new object. A new object replaces nothing.
fn replaced<C: Send + Sync + 'static>(
    kind: &Kind<dyn Resource<C>>,
    before: Option<&Fields>,
    planned: &Fields,
) -> Vec<AttributePath> {
    before.map_or_else(Vec::new, |before| {
        replacements(kind.schema.body(), before, planned, &AttributePath::root())
    })
}
