//! A question, as the engine is asked it and as a plain predicate: the two agree on every document.

use crate::document::{Document, ServiceState};
use crate::error::QueryError;
use crate::language;
use crate::pattern::Pattern;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Environments on a page unless the caller says otherwise, and at most.
const USUAL_PAGE: usize = 50;
const LARGEST_PAGE: usize = 1000;
/// No name of an environment is longer.
const LONGEST_NAME: usize = 63;
/// The phase of what is gone.
const DELETED: &str = "Deleted";

/// What somebody looks for, and which page of it.
///
/// Made from the text of `q` by [`Query::parse`]; the language is described in `docs/guides/search.md`. Deleted
/// environments are left out unless the question says something of the phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
    after: Option<String>,
    limit: usize,
}

/// One condition; all of them must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) negated: bool,
    pub(crate) test: Test,
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Somewhere among the words of an environment.
    Word(Pattern),
    /// The value of a field.
    Field(Field, Pattern),
    /// One service that has both.
    Service {
        name: Pattern,
        version: Option<Pattern>,
    },
    /// A moment before or after another.
    Moment {
        of: Moment,
        before: bool,
        than: Timestamp,
    },
}

/// The fields of plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Name,
    Owner,
    Pool,
    Type,
    Phase,
    Region,
    Origin,
    Reason,
    Version,
}

/// The fields that are moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Created,
    Expires,
}

/// The fields that a word without a field is looked for in, besides those of services.
const WORDS: [Field; 7] = [
    Field::Name,
    Field::Owner,
    Field::Pool,
    Field::Type,
    Field::Phase,
    Field::Region,
    Field::Reason,
];
const SERVICE_WORDS: [&str; 3] = ["services.name", "services.constraint", "services.version"];

impl Query {
    /// Everything, but for what is deleted.
    #[must_use]
    pub fn everything() -> Self {
        Self::of(Vec::new())
    }

    /// Reads the text of `q`; `now` is what `created:` and `expires:` count from.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, QueryError> {
        Ok(Self::of(language::terms(text, now)?))
    }

    fn of(mut terms: Vec<Term>) -> Self {
        let of_phase = |term: &Term| matches!(term.test, Test::Field(Field::Phase, _));
        if !terms.iter().any(of_phase) {
            terms.push(Term {
                negated: true,
                test: Test::Field(Field::Phase, Pattern::whole(DELETED)),
            });
        }
        Self {
            terms,
            after: None,
            limit: USUAL_PAGE,
        }
    }

    /// The page after a cursor, which is [`Page::next`](crate::Page::next) of the page before.
    pub fn after(mut self, cursor: &str) -> Result<Self, QueryError> {
        let name_like = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if cursor.is_empty() || cursor.len() > LONGEST_NAME || !cursor.chars().all(name_like) {
            return Err(QueryError::Cursor {
                cursor: cursor.chars().take(LONGEST_NAME).collect(),
            });
        }
        self.after = Some(cursor.to_owned());
        Ok(self)
    }

    /// With so many environments on a page; at least one, at most 1000.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, LARGEST_PAGE);
        self
    }

    /// Whether an environment is among what is looked for, on whatever page.
    #[must_use]
    pub fn matches(&self, document: &Document) -> bool {
        self.terms
            .iter()
            .all(|term| term.test.holds(document) != term.negated)
    }

    /// The page that the engine would give of these documents: for a list that is made without it.
    #[must_use]
    pub fn page_of<'a>(
        &self,
        documents: impl IntoIterator<Item = &'a Document>,
    ) -> Vec<&'a Document> {
        let after = self.after.as_deref().unwrap_or_default();
        let mut found: Vec<&Document> = documents
            .into_iter()
            .filter(|document| document.name.as_str() > after && self.matches(document))
            .collect();
        found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        found.truncate(self.limit);
        found
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.after.as_deref()
    }

    pub(crate) fn size(&self) -> usize {
        self.limit
    }

    /// The conditions in the engine's words.
    pub(crate) fn to_engine(&self) -> Value {
        let those = |negated: bool| -> Vec<Value> {
            self.terms
                .iter()
                .filter(|term| term.negated == negated)
                .map(|term| term.test.to_engine())
                .collect()
        };
        json!({"bool": {"filter": those(false), "must_not": those(true)}})
    }
}

impl Test {
    fn holds(&self, document: &Document) -> bool {
        match self {
            Self::Word(word) => {
                WORDS
                    .iter()
                    .any(|field| field.of(document).is_some_and(|text| word.fits(text)))
                    || document
                        .services
                        .iter()
                        .flat_map(words_of)
                        .any(|text| word.fits(text))
            }
            Self::Field(Field::Version, version) => document
                .services
                .iter()
                .any(|service| has_version(service, version)),
            Self::Field(field, value) => field.of(document).is_some_and(|text| value.fits(text)),
            Self::Service { name, version } => document.services.iter().any(|service| {
                name.fits(&service.name)
                    && version
                        .as_ref()
                        .is_none_or(|version| has_version(service, version))
            }),
            Self::Moment { of, before, than } => {
                let moment = match of {
                    Moment::Created => Some(document.created),
                    Moment::Expires => document.expires,
                };
                moment.is_some_and(|moment| {
                    if *before {
                        moment < *than
                    } else {
                        moment > *than
                    }
                })
            }
        }
    }

    fn to_engine(&self) -> Value {
        match self {
            Self::Word(word) => {
                let mut any: Vec<Value> = WORDS
                    .iter()
                    .map(|field| word.to_engine(field.name()))
                    .collect();
                any.push(of_a_service(&any_of(
                    SERVICE_WORDS.map(|field| word.to_engine(field)),
                )));
                any_of(any)
            }
            Self::Field(Field::Version, version) => of_a_service(&version_of(version)),
            Self::Field(field, value) => value.to_engine(field.name()),
            Self::Service { name, version } => {
                let mut both = vec![name.to_engine("services.name")];
                both.extend(version.as_ref().map(version_of));
                of_a_service(&json!({"bool": {"filter": both}}))
            }
            Self::Moment { of, before, than } => {
                let field = match of {
                    Moment::Created => "created",
                    Moment::Expires => "expires",
                };
                let side = if *before { "lt" } else { "gt" };
                json!({"range": {field: {side: than.to_string()}}})
            }
        }
    }
}

impl Field {
    /// The field of the index.
    const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Owner => "owner",
            Self::Pool => "pool",
            Self::Type => "type",
            Self::Phase => "phase",
            Self::Region => "region",
            Self::Origin => "origin",
            Self::Reason => "reason",
            Self::Version => "services.version",
        }
    }

    /// The value of an environment; a version is one of a service's.
    fn of(self, document: &Document) -> Option<&str> {
        match self {
            Self::Name => Some(&document.name),
            Self::Owner => Some(&document.owner),
            Self::Pool => Some(&document.pool),
            Self::Type => Some(&document.environment_type),
            Self::Phase => Some(&document.phase),
            Self::Region => document.region.as_deref(),
            Self::Origin => Some(&document.origin),
            Self::Reason => document.reason.as_deref(),
            Self::Version => None,
        }
    }
}

fn words_of(service: &ServiceState) -> impl Iterator<Item = &str> {
    [&service.name, &service.constraint]
        .into_iter()
        .chain(&service.version)
        .map(String::as_str)
}

/// A service has the version that it runs, and the one that it was asked to.
fn has_version(service: &ServiceState, version: &Pattern) -> bool {
    version.fits(&service.constraint)
        || service
            .version
            .as_ref()
            .is_some_and(|tag| version.fits(tag))
}

fn version_of(version: &Pattern) -> Value {
    any_of(["services.version", "services.constraint"].map(|field| version.to_engine(field)))
}

fn of_a_service(condition: &Value) -> Value {
    json!({"nested": {"path": "services", "query": condition}})
}

fn any_of(conditions: impl Into<Vec<Value>>) -> Value {
    json!({"bool": {"should": conditions.into(), "minimum_should_match": 1}})
}
