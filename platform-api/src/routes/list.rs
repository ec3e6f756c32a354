//! Many environments: those that the caller may see, filtered, by name, in pages.

use super::input::{Parameters, unreadable};
use crate::app::{App, Shared};
use crate::caller::Caller;
use crate::environment::{Environment, EnvironmentAnswer};
use crate::metrics::Call;
use crate::problem::{Problem, Refused};
use crate::rights::reader;
use crate::searching;
use authz::Origin;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use claims::status::Phase;
use claims::{EnvironmentName, EnvironmentType};
use jiff::Timestamp;
use search::{Query, SearchError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

/// What to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only of this pool.
    pool: Option<String>,
    /// Only of this type: dev, staging (also stage), prod or sue.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only of this owner.
    owner: Option<String>,
    /// Only in this phase, such as Ready.
    phase: Option<String>,
    /// Only those managed here (`bucket`) or in Git (`git`).
    origin: Option<String>,
    /// Only what matches this question, such as `pool:team1 phase:Ready user-service`.
    q: Option<String>,
    /// How many at most; 100 when left out, 1000 at most.
    limit: Option<usize>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// A page of environments.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnvironmentPage {
    /// The environments, by name.
    environments: Vec<EnvironmentAnswer>,
    /// Where the next page begins; `null` when this is the last.
    next: Option<String>,
}

/// What to list, understood.
struct Conditions {
    pool: Option<String>,
    kind: Option<EnvironmentType>,
    owner: Option<String>,
    phase: Option<Phase>,
    origin: Option<Origin>,
    limit: usize,
}

/// List environments
///
/// Only what the caller may see. Those whose claim was taken back are listed until nothing is left of them.
#[utoipa::path(
    get,
    path = "/api/v1/environments",
    tag = "environments",
    params(Wanted),
    responses(
        (status = 200, description = "A page of environments.", body = EnvironmentPage),
        (status = 400, description = "A parameter cannot be read.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The search does not answer; lists without `q` work.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<EnvironmentPage>, Refused> {
    let conditions = Conditions::read(&wanted)?;
    match &wanted.q {
        None => app.listed(&caller, &conditions, wanted.cursor.as_deref(), |_| true),
        Some(question) => {
            let query = Query::parse(question, Timestamp::now()).map_err(|error| {
                Problem::from_text(
                    StatusCode::BAD_REQUEST,
                    "Question cannot be read",
                    &error.to_string(),
                )
            })?;
            match &app.search {
                None => app.listed(&caller, &conditions, wanted.cursor.as_deref(), |seen| {
                    query.matches(&searching::document(&app, seen))
                }),
                Some(index) => {
                    app.found(&caller, &conditions, index, query, wanted.cursor.as_deref())
                        .await
                }
            }
        }
    }
}

impl App {
    /// A page from memory.
    fn listed(
        &self,
        caller: &Caller,
        conditions: &Conditions,
        cursor: Option<&str>,
        matches: impl Fn(&Environment) -> bool,
    ) -> Result<Json<EnvironmentPage>, Refused> {
        if let Some(cursor) = cursor
            && cursor.parse::<EnvironmentName>().is_err()
        {
            return Err(unreadable(
                "`cursor` is no place to go on from; take `next` of the page before",
            ));
        }
        let set = self.policies.current().map_err(Refused::from)?;
        let reader = reader(&set, &caller.principal);
        let wanted = |seen: &Environment| {
            conditions.hold(seen) && reader.may_read(&self.subject(seen)) && matches(seen)
        };
        let (page, more) = self.view.page(cursor, conditions.limit, wanted);
        let next = page
            .last()
            .filter(|_| more)
            .map(|last| last.name().to_owned());
        Ok(page_of(&page, next))
    }

    /// A page from the search engine, which finds only what the caller may see; what it finds is shown as it is now.
    async fn found(
        &self,
        caller: &Caller,
        conditions: &Conditions,
        index: &search::Index,
        query: Query,
        cursor: Option<&str>,
    ) -> Result<Json<EnvironmentPage>, Refused> {
        let mut query = query.limit(conditions.limit);
        if let Some(cursor) = cursor {
            query = query.after(cursor).map_err(|error| {
                Problem::from_text(
                    StatusCode::BAD_REQUEST,
                    "Request cannot be read",
                    &error.to_string(),
                )
            })?;
        }
        let filter = {
            let set = self.policies.current().map_err(Refused::from)?;
            searching::visible(self, &reader(&set, &caller.principal), caller)
        };
        let find = index.find(&query, &filter);
        let found = self
            .metrics
            .call(Call::new("search", "find"), find)
            .await
            .map_err(|error| unavailable(&error))?;
        let mut page = Vec::new();
        for document in found.documents {
            // The index may be behind: what is shown, and whether, is decided by what is there now.
            if let Some(seen) = self.view.get(&document.name)
                && conditions.hold(&seen)
                && self.may_read(&caller.principal, &seen)?
            {
                page.push(seen);
            }
        }
        Ok(page_of(&page, found.next))
    }
}

fn page_of(page: &[Arc<Environment>], next: Option<String>) -> Json<EnvironmentPage> {
    Json(EnvironmentPage {
        environments: page.iter().map(|seen| seen.answer()).collect(),
        next,
    })
}

fn unavailable(error: &SearchError) -> Refused {
    Problem::from_text(
        StatusCode::SERVICE_UNAVAILABLE,
        "Search is not available",
        &error.to_string(),
    )
    .retry_after(10)
}

impl Conditions {
    fn read(wanted: &Wanted) -> Result<Self, Refused> {
        let kind = wanted.kind.as_deref().map(str::parse).transpose();
        let phase = wanted.phase.as_deref().map(str::parse).transpose();
        let origin = wanted.origin.as_deref().map(|word| {
            let known = Origin::ALL.into_iter().find(|known| known.as_str() == word);
            known.ok_or_else(|| format!("`{word}` is neither bucket nor git"))
        });
        let limit = wanted.limit.unwrap_or(PAGE);
        if limit == 0 || limit > LARGEST_PAGE {
            return Err(unreadable(&format!("`limit` is from 1 to {LARGEST_PAGE}")));
        }
        Ok(Self {
            pool: wanted.pool.clone(),
            kind: kind.map_err(|why: String| unreadable(&why))?,
            owner: wanted.owner.clone(),
            phase: phase.map_err(|why: String| unreadable(&why))?,
            origin: origin.transpose().map_err(|why| unreadable(&why))?,
            limit,
        })
    }

    fn hold(&self, seen: &Environment) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == found)
        }
        is(self.pool.as_ref(), &seen.claim.environment_pool)
            && is(self.kind.as_ref(), &seen.claim.environment_type)
            && is(self.owner.as_ref(), &seen.claim.user)
            && is(self.origin.as_ref(), &seen.origin)
            && is(self.phase.as_ref(), &seen.phase())
    }
}
