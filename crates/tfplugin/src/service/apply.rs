//! Apply: create, update, delete. Whatever happens in the resource's hook, what is known of the object comes back.

use std::sync::Arc;

use super::catalog::Kind;
use super::operations::{Panicked, caught, caught_now};
use super::{Inner, wire};
use crate::checks::{check_result, conform};
use crate::diagnostic::Diagnostics;
use crate::partial::PartialState;
use crate::planning::Fields;
use crate::private::{PlannedAction, Private};
use crate::proto::tfplugin6 as pb;
use crate::provider::Provider;
use crate::resource::{Create, Delete, DeleteReason, Resource, Update};
use crate::stop::Stop;
use crate::value::Object;

use pb::apply_resource_change::{Request, Response};

/// What a hook left: its result, the private data, its warnings.
type Left<T> = (Result<T, Diagnostics>, Private, Diagnostics);

/// What becomes of an operation.
struct Outcome {
    state: Option<Fields>,
    private: Private,
    diagnostics: Diagnostics,
}

impl<P: Provider> Inner<P> {
    pub(super) async fn apply_resource_change(
        self: Arc<Self>,
        request: Request,
        stop: Stop,
    ) -> Result<Response, Diagnostics> {
        let kind = self.catalog().resource(&request.type_name)?;
        let prior = wire::decode_object(&kind.ty, request.prior_state.as_ref())?;
        let planned = wire::decode_object(&kind.ty, request.planned_state.as_ref())?;
        let client = self.client()?;
        let outcome = match (prior, planned) {
            (None, Some(planned)) => self.create(&kind, &request, client, planned, stop).await?,
            (Some(prior), Some(planned)) => {
                self.update(&kind, &request, client, prior, planned, stop)
                    .await?
            }
            (Some(prior), None) => delete(&kind, &request, client, prior, stop).await,
            (None, None) => return Ok(Response::default()),
        };
        self.respond(&kind, &request, outcome)
    }

    async fn create(
        &self,
        kind: &Kind<dyn Resource<P::Client>>,
        request: &Request,
        client: Arc<P::Client>,
        planned: Object,
        stop: Stop,
    ) -> Result<Outcome, Diagnostics> {
        let kept = Kept::of(request, &planned);
        let mut op = Create {
            client,
            config: wire::decode_config(&kind.ty, request.config.as_ref())?,
            planned: planned.clone(),
            private: kept.private.clone(),
            partial: kept.partial.clone(),
            warnings: Diagnostics::new(),
            stop,
        };
        let left = caught(async {
            let result = kind.handler.create(&mut op).await;
            (result, op.private, op.warnings)
        });
        Ok(settle(kind, left.await, kept, planned.fields(), None))
    }

    async fn update(
        &self,
        kind: &Kind<dyn Resource<P::Client>>,
        request: &Request,
        client: Arc<P::Client>,
        prior: Object,
        planned: Object,
        stop: Stop,
    ) -> Result<Outcome, Diagnostics> {
        let kept = Kept::of(request, &prior);
        let mut op = Update {
            client,
            config: wire::decode_config(&kind.ty, request.config.as_ref())?,
            prior: prior.clone(),
            planned: planned.clone(),
            private: kept.private.clone(),
            partial: kept.partial.clone(),
            warnings: Diagnostics::new(),
            stop,
        };
        let left = caught(async {
            let result = kind.handler.update(&mut op).await;
            (result, op.private, op.warnings)
        });
        Ok(settle(
            kind,
            left.await,
            kept,
            planned.fields(),
            Some(prior),
        ))
    }

    fn respond(
        &self,
        kind: &Kind<dyn Resource<P::Client>>,
        request: &Request,
        outcome: Outcome,
    ) -> Result<Response, Diagnostics> {
        let mut diagnostics = outcome.diagnostics;
        let own = outcome
            .state
            .as_ref()
            .map(|state| self.identity(kind, state));
        let own = own
            .and_then(|identity| diagnostics.collect(identity))
            .flatten();
        let new_identity = own.or_else(|| request.planned_identity.clone());
        Ok(Response {
            new_state: Some(wire::encode_state(&kind.ty, outcome.state)?),
            private: outcome.private.into_stored().encode(),
            diagnostics: wire::diagnostics(diagnostics),
            new_identity,
            ..Response::default()
        })
    }

    /// The identity of an object, if its type has one and all of it is known.
    pub(super) fn identity(
        &self,
        kind: &Kind<dyn Resource<P::Client>>,
        state: &Fields,
    ) -> Result<Option<pb::ResourceIdentityData>, Diagnostics> {
        let Some(schema) = self.catalog().identities.get(kind.handler.type_name()) else {
            return Ok(None);
        };
        let state: Object = state
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let Some(identity) = caught_now(|| kind.handler.identity_of(&state))? else {
            return Ok(None);
        };
        wire::encode_identity(schema, identity).map(Some)
    }
}

async fn delete<C: Send + Sync + 'static>(
    kind: &Kind<dyn Resource<C>>,
    request: &Request,
    client: Arc<C>,
    prior: Object,
    stop: Stop,
) -> Outcome {
    let kept = Kept::of(request, &prior);
    let reason = match Private::decode(&request.planned_private).planned_action() {
        Some(PlannedAction::Create) => DeleteReason::Replace,
        Some(PlannedAction::Update | PlannedAction::Destroy) | None => DeleteReason::Destroy,
    };
    let mut op = Delete {
        client,
        state: prior.clone(),
        reason,
        private: kept.private.clone(),
        partial: kept.partial.clone(),
        warnings: Diagnostics::new(),
        stop,
    };
    let left = caught(async {
        let result = kind.handler.delete(&mut op).await;
        (result, op.private, op.warnings)
    });
    let (result, private, mut diagnostics) = unpack(left.await, kept.private);
    let state = match result {
        Ok(()) => None,
        Err(errors) => {
            diagnostics.append(errors.of_failure());
            let known = kept.partial.recorded().unwrap_or(prior);
            Some(stored(kind, known, &mut Diagnostics::new()))
        }
    };
    Outcome {
        state,
        private,
        diagnostics,
    }
}

/// What is kept safe from whatever happens to a hook.
struct Kept {
    partial: PartialState,
    private: Private,
}

impl Kept {
    fn of(request: &Request, state: &Object) -> Self {
        Self {
            partial: PartialState::starting_from(state.clone()),
            private: Private::decode(&request.planned_private).into_stored(),
        }
    }
}

/// The state to store after a create or update: the checked result, or what is known of the object if it failed. That is
/// what was recorded, or the object as it was before.
fn settle<C: Send + Sync + 'static>(
    kind: &Kind<dyn Resource<C>>,
    left: Result<Left<Object>, Panicked>,
    kept: Kept,
    planned: &Fields,
    before: Option<Object>,
) -> Outcome {
    let (result, private, mut diagnostics) = unpack(left, kept.private);
    let state = match result {
        Ok(state) => {
            let conformed = conform(kind.schema.body(), state.into_fields(), Some(planned));
            diagnostics.append(conformed.problems);
            diagnostics.append(check_result(planned, &conformed.fields));
            Some(known_only(conformed.fields))
        }
        Err(errors) => {
            diagnostics.append(errors.of_failure());
            let known = kept.partial.recorded().or(before);
            known.map(|state| stored(kind, state, &mut diagnostics))
        }
    };
    Outcome {
        state,
        private,
        diagnostics,
    }
}

fn unpack<T>(left: Result<Left<T>, Panicked>, private: Private) -> Left<T> {
    left.unwrap_or_else(|panicked| (Err(panicked.into()), private, Diagnostics::new()))
}

fn stored<C: Send + Sync + 'static>(
    kind: &Kind<dyn Resource<C>>,
    state: Object,
    diagnostics: &mut Diagnostics,
) -> Fields {
    let conformed = conform(kind.schema.body(), state.into_fields(), None);
    diagnostics.append(conformed.problems);
    known_only(conformed.fields)
}

fn known_only(fields: Fields) -> Fields {
    fields
        .into_iter()
        .map(|(name, value)| (name, value.without_unknowns()))
        .collect()
}
