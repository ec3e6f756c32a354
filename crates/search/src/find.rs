//! Reading: a page of what somebody looks for and may see.

use crate::document::Document;
use crate::error::SearchError;
use crate::filter::Filter;
use crate::index::{Index, READ};
use crate::query::Query;
use crate::version::Version;
use crate::wire::Body;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// A page of environments, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The environments of this page.
    pub documents: Vec<Document>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<String>,
    /// How many there are on all pages.
    pub total: u64,
}

#[derive(Deserialize)]
struct Answer {
    timed_out: bool,
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    total: Total,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_version")]
    version: u64,
    #[serde(rename = "_source")]
    document: Document,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

impl Index {
    /// A page of what is looked for, of that what the filter lets through. Whole or not at all: what a part of the
    /// engine did not answer is never shown as if it did not exist.
    pub async fn find(&self, query: &Query, filter: &Filter) -> Result<Page, SearchError> {
        let purpose = self.wire.question("search");
        let mut body = json!({
            // One more than wanted tells whether there is a next page.
            "size": query.size() + 1,
            "query": both(query, filter),
            "sort": [{"name": "asc"}],
            "track_total_hits": true,
            "version": true,
            "timeout": format!("{}ms", purpose.limit.as_millis()),
        });
        if let Some(cursor) = query.cursor() {
            body["search_after"] = json!([cursor]);
        }
        let path = format!("{READ}/_search?allow_partial_search_results=false");
        let answer = self
            .wire
            .ask(purpose, Method::POST, &path, Body::Json(body))
            .await?;
        let answer: Answer = serde_json::from_value(answer)
            .map_err(|error| self.wire.unusable(purpose, error.to_string()))?;
        if answer.timed_out {
            return Err(self
                .wire
                .unavailable(purpose, "it gave up half-way".to_owned()));
        }
        let mut documents: Vec<Document> = answer
            .hits
            .hits
            .into_iter()
            .map(|hit| Document {
                version: Version::from_number(hit.version),
                ..hit.document
            })
            .collect();
        let more = documents.len() > query.size();
        documents.truncate(query.size());
        let next = documents
            .last()
            .filter(|_| more)
            .map(|last| last.name.clone());
        Ok(Page {
            documents,
            next,
            total: answer.hits.total.value,
        })
    }

    /// How many there are of what is looked for and may be seen.
    pub async fn count(&self, query: &Query, filter: &Filter) -> Result<u64, SearchError> {
        let purpose = self.wire.question("count");
        let body = Body::Json(json!({"query": both(query, filter)}));
        let path = format!("{READ}/_count");
        let answer = self.wire.ask(purpose, Method::POST, &path, body).await?;
        let Count { count } = serde_json::from_value(answer)
            .map_err(|error| self.wire.unusable(purpose, error.to_string()))?;
        Ok(count)
    }
}

fn both(query: &Query, filter: &Filter) -> Value {
    json!({"bool": {"filter": [query.to_engine(), filter.to_engine()]}})
}
