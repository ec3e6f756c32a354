//! What of the index may be seen.

use crate::document::Document;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The environments that somebody may see, as classes rather than one by one: the policies decide a list once for each
/// class, and the engine finds only what falls into an allowed one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Filter {
    /// Classes of which everything may be seen.
    all: BTreeSet<String>,
    /// Classes of which only what belongs to somebody may be seen, by owner.
    owned: BTreeSet<(String, String)>,
}

/// Environments that the policies cannot tell apart, but for their owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// The pool.
    pub pool: String,
    /// The type.
    pub environment_type: String,
    /// Where they are managed.
    pub origin: String,
    /// Whether they are protected.
    pub protected: bool,
}

/// Which environments of a class may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// All of them.
    Anybody,
    /// Those that belong to this one.
    Only(String),
}

impl Filter {
    /// The filter that lets nothing through.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Lets environments of a class through, too.
    pub fn allow(&mut self, class: &Class, owner: Owner) {
        match owner {
            Owner::Anybody => {
                self.all.insert(class.key());
            }
            Owner::Only(owner) => {
                self.owned.insert((owner, class.key()));
            }
        }
    }

    /// Whether an environment may be seen: what the engine decides, decided here.
    #[must_use]
    pub fn lets_through(&self, document: &Document) -> bool {
        let class = document.class().key();
        self.all.contains(&class) || self.owned.contains(&(document.owner.clone(), class))
    }

    /// The filter in the engine's words.
    pub(crate) fn to_engine(&self) -> Value {
        let mut any = vec![json!({"terms": {"class": self.all}})];
        let owners: BTreeSet<&String> = self.owned.iter().map(|(owner, _)| owner).collect();
        for owner in owners {
            let classes: Vec<&String> = self
                .owned
                .iter()
                .filter_map(|(whose, class)| (whose == owner).then_some(class))
                .collect();
            any.push(json!({"bool": {"filter": [
                {"term": {"owner": owner}},
                {"terms": {"class": classes}},
            ]}}));
        }
        json!({"bool": {"should": any, "minimum_should_match": 1}})
    }
}

impl FromIterator<(Class, Owner)> for Filter {
    fn from_iter<T: IntoIterator<Item = (Class, Owner)>>(classes: T) -> Self {
        let mut filter = Self::nothing();
        for (class, owner) in classes {
            filter.allow(&class, owner);
        }
        filter
    }
}

impl Class {
    /// The class as one word of the index, so that a filter of thousands of classes is one list of terms. Neither a pool
    /// nor a type nor an origin has a bar in it; if one had, the length in front would still tell them apart.
    pub(crate) fn key(&self) -> String {
        let Self {
            pool,
            environment_type,
            origin,
            protected,
        } = self;
        let protection = if *protected { "protected" } else { "free" };
        format!(
            "{}.{}|{pool}|{environment_type}|{origin}|{protection}",
            pool.len(),
            environment_type.len()
        )
    }
}

impl Document {
    /// The class that the document falls into.
    #[must_use]
    pub fn class(&self) -> Class {
        Class {
            pool: self.pool.clone(),
            environment_type: self.environment_type.clone(),
            origin: self.origin.clone(),
            protected: self.protected,
        }
    }
}
