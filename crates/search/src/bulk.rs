//! Writing: batches of documents, each with the number of its state.

use crate::document::Document;
use crate::error::SearchError;
use crate::index::{Index, WRITE};
use crate::wire::{Body, Purpose};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// A batch ends here even if it may have more documents: the engines take 100 MB, a proxy before them perhaps less.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// What became of the documents that were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// They are what stands there now.
    pub written: usize,
    /// The same or a newer state stood there already.
    pub newer: usize,
    /// The engine cannot hold them, each with its reason; the others are written all the same.
    pub refused: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(rename = "_id")]
    id: String,
    status: u16,
    #[serde(default)]
    error: Value,
}

impl Index {
    /// Brings documents into the index. Older states than those that stand there change nothing, so documents may be
    /// sent in any order, twice, and by several programs at once. Found a moment later, once the engine has refreshed.
    pub async fn put(&self, documents: &[Document]) -> Result<Put, SearchError> {
        // Without the alias the engine would make an index of that name, of a shape that it guesses.
        self.put_into(&format!("{WRITE}/_bulk?require_alias=true"), documents)
            .await
    }

    /// Brings documents into one index, to be found at once.
    pub(crate) async fn fill(
        &self,
        index: &str,
        documents: &[Document],
    ) -> Result<Put, SearchError> {
        self.put_into(&format!("{index}/_bulk?refresh=true"), documents)
            .await
    }

    async fn put_into(&self, path: &str, documents: &[Document]) -> Result<Put, SearchError> {
        let mut put = Put::default();
        let mut lines = String::new();
        let mut count = 0;
        for document in documents {
            lines.push_str(&line_pair(document));
            count += 1;
            if count == self.wire.limits.documents || lines.len() >= BATCH_BYTES {
                self.send(path, std::mem::take(&mut lines), count, &mut put)
                    .await?;
                count = 0;
            }
        }
        if count > 0 {
            self.send(path, lines, count, &mut put).await?;
        }
        Ok(put)
    }

    async fn send(
        &self,
        path: &str,
        lines: String,
        count: usize,
        put: &mut Put,
    ) -> Result<(), SearchError> {
        let purpose = self.wire.work("take documents");
        let answer = self
            .wire
            .ask(purpose, Method::POST, path, Body::Lines(lines))
            .await?;
        let answer: Answer = serde_json::from_value(answer)
            .map_err(|error| self.wire.unusable(purpose, error.to_string()))?;
        if answer.items.len() != count {
            let why = format!("{} outcomes for {count} documents", answer.items.len());
            return Err(self.wire.unusable(purpose, why));
        }
        for Item { index } in answer.items {
            self.tally(purpose, &index, put)?;
        }
        Ok(())
    }

    fn tally(&self, purpose: Purpose, outcome: &Outcome, put: &mut Put) -> Result<(), SearchError> {
        let why = || {
            let error = &outcome.error;
            let cause = error.pointer("/caused_by/reason").or(error.get("reason"));
            cause
                .and_then(Value::as_str)
                .unwrap_or("no reason given")
                .to_owned()
        };
        match StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::BAD_GATEWAY) {
            status if status.is_success() => put.written += 1,
            StatusCode::CONFLICT => put.newer += 1,
            // The index went away between two of our calls, or nobody has made it.
            StatusCode::NOT_FOUND => {
                return Err(SearchError::NoIndex {
                    address: self.wire.engine(),
                    action: purpose.action,
                    why: why(),
                });
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(self.wire.unavailable(purpose, why()));
            }
            _ => put.refused.push((outcome.id.clone(), why())),
        }
        Ok(())
    }
}

fn line_pair(document: &Document) -> String {
    let head = json!({"index": {
        "_id": document.name,
        "version": document.version.number(),
        "version_type": "external",
    }});
    let mut body = json!(document);
    body["class"] = Value::from(document.class().key());
    format!("{head}\n{body}\n")
}
