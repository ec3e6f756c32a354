//! Actions and lists: answers that come in pieces.

use serde_json::Value as Json;
use tonic::Streaming;

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::error::{CoreError, accepted, unbroken};
use crate::plan::{misshapen, whole};
use crate::rules::{Broken, Rule};
use crate::running::Core;
use crate::schema::Schema;
use crate::values::{json, receive, send};
use crate::wire::tfplugin6 as pb;
use crate::wire::tfplugin6::invoke_action::event::Type as Said;

/// How an action went.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoked {
    /// What it told on its way.
    pub progress: Vec<String>,
    /// What it said at its end.
    pub diagnostics: Vec<Diagnostic>,
}

/// An object that a list found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its identity.
    pub identity: Json,
    /// The name to show.
    pub name: String,
    /// Its state, if it was asked for.
    pub object: Option<Json>,
}

/// What a list found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// The objects.
    pub found: Vec<Found>,
    /// Warnings, and the error that ended it if one did.
    pub diagnostics: Vec<Diagnostic>,
}

impl Core {
    /// Validates, plans and invokes an action, as apply does. Returns also if it failed: its last word tells.
    pub async fn invoke(&self, type_name: &str, config: &Config) -> Result<Invoked, CoreError> {
        let schema = named(self.schemas.actions.get(type_name), type_name)?;
        let config = send(&schema.ty, &config.evaluate(schema)?)?;
        let action_type = type_name.to_owned();
        let request = pb::validate_action_config::Request {
            action_type: action_type.clone(),
            config: config.clone(),
        };
        let answer = self.client().validate_action_config(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))?;
        let request = pb::plan_action::Request {
            action_type: action_type.clone(),
            config: config.clone(),
            client_capabilities: self.features.told(),
        };
        let answer = self.client().plan_action(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        let warnings = accepted(Diagnostic::read(answer.diagnostics))?;
        let request = pb::invoke_action::Request {
            action_type,
            config,
            client_capabilities: self.features.told(),
        };
        let answer = self.client().invoke_action(request).await;
        let mut invoked = heard(answer.map_err(Broken::from)?.into_inner()).await?;
        invoked.diagnostics.splice(..0, warnings);
        Ok(invoked)
    }

    /// Validates and lists, as `terraform query` does. A limit of 0 is none.
    pub async fn list(
        &self,
        type_name: &str,
        config: &Config,
        limit: usize,
        objects: bool,
    ) -> Result<Listing, CoreError> {
        let schema = named(self.schemas.lists.get(type_name), type_name)?;
        let config = send(&schema.ty, &config.evaluate(schema)?)?;
        let request = pb::validate_list_resource_config::Request {
            type_name: type_name.to_owned(),
            config: config.clone(),
            include_resource_object: send(&tfplugin::Type::Bool, &tfplugin::Value::Bool(objects))?,
            limit: None,
        };
        let answer = self.client().validate_list_resource_config(request).await;
        let answer = answer.map_err(Broken::from)?.into_inner();
        accepted(Diagnostic::read(answer.diagnostics))?;
        let request = pb::list_resource::Request {
            type_name: type_name.to_owned(),
            config,
            include_resource_object: objects,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        };
        let answer = self.client().list_resource(request).await;
        let events = answer.map_err(Broken::from)?.into_inner();
        self.collected(type_name, events, limit).await
    }

    async fn collected(
        &self,
        type_name: &str,
        mut events: Streaming<pb::list_resource::Event>,
        limit: usize,
    ) -> Result<Listing, CoreError> {
        let resource = self.resource(type_name)?;
        let mut listing = Listing::default();
        let broken = |what: &str| Broken::new(Rule::List, "", what);
        while let Some(event) = events.message().await.map_err(Broken::from)? {
            if listing.diagnostics.iter().any(Diagnostic::is_error) {
                return Err(broken("an event follows an error").into());
            }
            let only_message = event.identity.is_none() && !event.diagnostic.is_empty();
            listing
                .diagnostics
                .extend(Diagnostic::read(event.diagnostic));
            if only_message {
                continue;
            }
            let identity = self.identity(type_name, event.identity.as_ref(), false)?;
            let object = match &event.resource_object {
                None => None,
                sent => {
                    let state =
                        receive(&resource.ty, sent.as_ref()).map_err(|error| misshapen(&error))?;
                    whole(resource, &state, Rule::List)?;
                    Some(json(&state)?)
                }
            };
            listing.found.push(Found {
                identity: identity.ok_or_else(|| broken("an event has no identity"))?,
                name: event.display_name,
                object,
            });
            if limit > 0 && listing.found.len() > limit {
                return Err(broken("there are more events than asked for").into());
            }
        }
        Ok(listing)
    }
}

fn named<'a>(schema: Option<&'a Schema>, type_name: &str) -> Result<&'a Schema, CoreError> {
    schema.ok_or_else(|| CoreError::UnknownType(type_name.to_owned()))
}

async fn heard(mut events: Streaming<pb::invoke_action::Event>) -> Result<Invoked, CoreError> {
    let mut progress = Vec::new();
    let mut ends = Vec::new();
    let mut broken = Vec::new();
    while let Some(event) = events.message().await.map_err(Broken::from)? {
        match event.r#type {
            _ if !ends.is_empty() => {
                broken.push(Broken::new(Rule::Action, "", "an event follows the end"));
            }
            Some(Said::Progress(line)) => progress.push(line.message),
            Some(Said::Completed(end)) => ends.push(Diagnostic::read(end.diagnostics)),
            None => broken.push(Broken::new(Rule::Action, "", "an event says nothing")),
        }
    }
    unbroken(broken)?;
    let end = ends.pop();
    let diagnostics = end.ok_or_else(|| Broken::new(Rule::Action, "", "it never ended"))?;
    Ok(Invoked {
        progress,
        diagnostics,
    })
}
