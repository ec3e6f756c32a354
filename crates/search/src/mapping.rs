//! The shape of the index, and where the two engines differ.

use crate::index::Engine;
use serde_json::{Value, json};

/// The engines take no word longer than 32,766 bytes, and a letter has up to four.
const LONGEST_WORD: u32 = 8191;

/// The template that every index of ours gets its shape from, also one that somebody makes by hand.
pub(crate) fn template(engine: Engine) -> Value {
    json!({
        "index_patterns": ["environments-v1-*"],
        "priority": 500,
        "template": {
            "settings": {"index": {
                "number_of_shards": 1,
                // One copy where there is a second node; a single node is not for ever yellow.
                "auto_expand_replicas": "0-1",
            }},
            "mappings": mappings(engine),
        },
    })
}

fn mappings(engine: Engine) -> Value {
    let word = json!({"type": "keyword", "ignore_above": LONGEST_WORD});
    let date = json!({"type": "date"});
    json!({
        "dynamic": "strict",
        "properties": {
            "name": word,
            "pool": word,
            "type": word,
            "owner": word,
            "origin": word,
            "protected": {"type": "boolean"},
            "phase": word,
            "since": date,
            "reason": word,
            "blocker": word,
            "region": word,
            "created": date,
            "expires": date,
            "price": word,
            "services": {"type": "nested", "dynamic": "strict", "properties": {
                "name": word,
                "constraint": word,
                "version": word,
                "digest": word,
                "ready": {"type": "boolean"},
            }},
            "claim": claim(engine),
            "etag": {"type": "keyword", "index": false, "doc_values": false},
            "class": word,
        },
    })
}

/// The claim with all its fields, whose names nobody knows in advance: services are named by their owners. Both engines
/// have a type for that, under names of their own.
fn claim(engine: Engine) -> Value {
    match engine {
        Engine::Elasticsearch => json!({"type": "flattened", "ignore_above": LONGEST_WORD}),
        Engine::OpenSearch => json!({"type": "flat_object"}),
    }
}
