//! Making the index anew from the truth, while others go on to write and to search.

use crate::document::Document;
use crate::error::SearchError;
use crate::index::{Index, Made, READ, WRITE};
use crate::wire::Body;
use reqwest::Method;
use serde_json::json;
use std::fmt::Display;

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The index that is searched and written now.
    pub index: String,
    /// Documents that came from the truth, or stood there already because somebody wrote them meanwhile.
    pub documents: usize,
    /// What the engine cannot hold, each with its reason.
    pub refused: Vec<(String, String)>,
}

impl Index {
    /// Makes a new index from the truth.
    ///
    /// Writes move first, to a new and empty index; only then is the truth read, which is why it comes as a function:
    /// what was written before is in the truth, what is written after goes to the new index, and whichever of two
    /// states of one environment arrives there last, the newer stays. When all is in, the searches follow, in one call
    /// that also makes sure that no other rebuild has overtaken this one. Until then they see the old index, as it was
    /// when the rebuild began. The old index is dropped.
    ///
    /// A rebuild that breaks off leaves writes in the new index and searches in the old one, which
    /// [`Health::usable`](crate::Health::usable) tells; the next rebuild ends that.
    pub async fn rebuild<Read, Truth, Why>(&self, truth: Read) -> Result<Rebuilt, SearchError>
    where
        Read: FnOnce() -> Truth,
        Truth: Future<Output = Result<Vec<Document>, Why>>,
        Why: Display,
    {
        self.put_template().await?;
        let before = self.layout().await?;
        let index = before.next();
        if self.make(&index).await? == Made::StoodAlready {
            return Err(SearchError::Overtaken { index });
        }
        let mut moves: Vec<_> = before
            .write
            .iter()
            .map(|old| json!({"remove": {"index": old, "alias": WRITE}}))
            .collect();
        moves.push(json!({"add": {"index": index, "alias": WRITE}}));
        self.move_aliases(moves).await?;

        let documents = match truth().await {
            Ok(documents) => documents,
            Err(why) => {
                let why = why.to_string();
                return Err(SearchError::NoTruth { index, why });
            }
        };
        let put = self.fill(&index, &documents).await?;
        self.searches_follow(&index).await?;
        Ok(Rebuilt {
            index,
            documents: put.written + put.newer,
            refused: put.refused,
        })
    }

    async fn searches_follow(&self, index: &str) -> Result<(), SearchError> {
        let now = self.layout().await?;
        // Fails as a whole if another rebuild has taken the writes away.
        let mut moves = vec![
            json!({"remove": {"index": index, "alias": WRITE, "must_exist": true}}),
            json!({"add": {"index": index, "alias": WRITE}}),
            json!({"add": {"index": index, "alias": READ}}),
        ];
        let others = now.read.iter().filter(|other| other.as_str() != index);
        moves.extend(others.map(|old| json!({"remove": {"index": old, "alias": READ}})));
        match self.move_aliases(moves).await {
            Err(SearchError::NoIndex { .. }) => {
                return Err(SearchError::Overtaken {
                    index: index.to_owned(),
                });
            }
            other => other?,
        }
        for old in now.indices.iter().filter(|old| old.as_str() < index) {
            let purpose = self.wire.work("drop an old index");
            match self
                .wire
                .ask(purpose, Method::DELETE, old, Body::Nothing)
                .await
            {
                // Another rebuild has dropped it.
                Ok(_) | Err(SearchError::NoIndex { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
