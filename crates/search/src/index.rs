//! The index: its making, its aliases, its health.

use crate::error::SearchError;
use crate::mapping;
use crate::settings::Settings;
use crate::wire::{Body, Wire};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The alias that is searched.
pub(crate) const READ: &str = "environments";
/// The alias that is written.
pub(crate) const WRITE: &str = "environments-write";
/// Every index of ours: this, and six digits.
const PREFIX: &str = "environments-v1-";
const TEMPLATE: &str = "_index_template/environments-v1";

/// The environments in one engine. Shared by everybody who asks.
pub struct Index {
    pub(crate) wire: Wire,
}

/// Which engine it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Elasticsearch 7.14 or newer.
    Elasticsearch,
    /// OpenSearch 2.7 or newer.
    OpenSearch,
}

/// How the engine and the index are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Which engine it is.
    pub engine: Engine,
    /// Its version, in its own words.
    pub version: String,
    /// `green`, `yellow` or `red`, in the engine's own words, for our indices alone.
    pub status: String,
    /// The index that is searched.
    pub read: Option<String>,
    /// The index that is written.
    pub write: Option<String>,
}

/// Our indices and which of them the aliases name.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) indices: BTreeSet<String>,
    pub(crate) read: BTreeSet<String>,
    pub(crate) write: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Greeting {
    version: GreetingVersion,
}

#[derive(Deserialize)]
struct GreetingVersion {
    number: String,
    /// Only OpenSearch says what it is a distribution of.
    distribution: Option<String>,
}

#[derive(Deserialize)]
struct OfIndex {
    #[serde(default)]
    aliases: BTreeMap<String, Value>,
}

impl Index {
    /// Sets up access to an engine; nothing is sent yet.
    pub fn new(settings: Settings) -> Result<Self, SearchError> {
        Ok(Self {
            wire: Wire::new(settings)?,
        })
    }

    /// The same access, whose every request carries what `carry` puts on it: the trace that it belongs to, for example.
    #[must_use]
    pub fn carrying(mut self, carry: fn(&mut HeaderMap)) -> Self {
        self.wire.carry = carry;
        self
    }

    /// Makes what is missing: the template, the first index, the aliases. Can be called as often as one likes, and by
    /// several programs at once.
    pub async fn prepare(&self) -> Result<(), SearchError> {
        self.put_template().await?;
        let layout = self.layout().await?;
        if layout.read.is_empty() || layout.write.is_empty() {
            let index = layout.indices.last().cloned().unwrap_or_else(|| named(1));
            if layout.indices.is_empty() {
                self.make(&index).await?;
            }
            let mut add = Vec::new();
            if layout.read.is_empty() {
                add.push(json!({"add": {"index": index, "alias": READ}}));
            }
            if layout.write.is_empty() {
                add.push(json!({"add": {"index": index, "alias": WRITE}}));
            }
            self.move_aliases(add).await?;
        }
        Ok(())
    }

    /// How the engine and the index are. An engine without our index is an answer, not an error.
    pub async fn health(&self) -> Result<Health, SearchError> {
        let (engine, version) = self.engine().await?;
        let path = format!("_cluster/health/{PREFIX}*?timeout=1s");
        let purpose = self.wire.question("say how it is");
        let health = self
            .wire
            .ask(purpose, Method::GET, &path, Body::Nothing)
            .await?;
        let status = health["status"].as_str().ok_or_else(|| {
            self.wire
                .unusable(purpose, "the health has no status".to_owned())
        })?;
        let layout = self.layout().await?;
        Ok(Health {
            engine,
            version,
            status: status.to_owned(),
            read: layout.read.last().cloned(),
            write: layout.write.last().cloned(),
        })
    }

    pub(crate) async fn put_template(&self) -> Result<(), SearchError> {
        let (engine, _) = self.engine().await?;
        let purpose = self.wire.work("set the shape of the index");
        let template = Body::Json(mapping::template(engine));
        self.wire
            .ask(purpose, Method::PUT, TEMPLATE, template)
            .await?;
        Ok(())
    }

    /// Makes an index. One that stands already is fine: another program was faster.
    pub(crate) async fn make(&self, index: &str) -> Result<Made, SearchError> {
        let purpose = self.wire.work("make an index");
        match self
            .wire
            .ask(purpose, Method::PUT, index, Body::Nothing)
            .await
        {
            Ok(_) => Ok(Made::New),
            Err(SearchError::Refused { why, .. }) if why.contains("already exists") => {
                Ok(Made::StoodAlready)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn move_aliases(&self, actions: Vec<Value>) -> Result<(), SearchError> {
        let purpose = self.wire.work("move an alias");
        let body = Body::Json(json!({"actions": actions}));
        self.wire
            .ask(purpose, Method::POST, "_aliases", body)
            .await?;
        Ok(())
    }

    pub(crate) async fn layout(&self) -> Result<Layout, SearchError> {
        let purpose = self.wire.question("list the indices");
        let path = format!("{PREFIX}*/_alias");
        let answer = self
            .wire
            .ask(purpose, Method::GET, &path, Body::Nothing)
            .await?;
        let indices: BTreeMap<String, OfIndex> = serde_json::from_value(answer)
            .map_err(|error| self.wire.unusable(purpose, error.to_string()))?;
        let mut layout = Layout::default();
        for (index, about) in indices {
            if about.aliases.contains_key(READ) {
                layout.read.insert(index.clone());
            }
            if about.aliases.contains_key(WRITE) {
                layout.write.insert(index.clone());
            }
            layout.indices.insert(index);
        }
        Ok(layout)
    }

    async fn engine(&self) -> Result<(Engine, String), SearchError> {
        let purpose = self.wire.question("say what it is");
        let answer = self
            .wire
            .ask(purpose, Method::GET, "", Body::Nothing)
            .await?;
        let Greeting { version } = serde_json::from_value(answer)
            .map_err(|error| self.wire.unusable(purpose, error.to_string()))?;
        let engine = match version.distribution.as_deref() {
            Some("opensearch") => Engine::OpenSearch,
            _ => Engine::Elasticsearch,
        };
        Ok((engine, version.number))
    }
}

/// What came of making an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    New,
    StoodAlready,
}

impl Layout {
    /// The name of the index after all that are there.
    pub(crate) fn next(&self) -> String {
        let number = |index: &String| index.strip_prefix(PREFIX)?.parse::<u32>().ok();
        let last = self.indices.iter().filter_map(number).max();
        named(last.map_or(1, |last| last + 1))
    }
}

impl Health {
    /// Whether questions can be answered from an index that follows the truth.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.status != "red" && self.read.is_some() && self.read == self.write
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({})", self.wire.engine())
    }
}

fn named(number: u32) -> String {
    format!("{PREFIX}{number:06}")
}
