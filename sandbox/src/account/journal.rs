//! Every call to the account, in the order of their ends: what tests count.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// Names of body fields whose values are never written down.
const SECRET_FIELDS: [&str; 6] = [
    "user_data",
    "password",
    "private_key",
    "ssl",
    "script",
    "api_key",
];

/// One call.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Position, from 1 without gaps.
    pub n: u64,
    /// The account's time at the end of the call.
    pub ts: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// HTTP status; 0 when no answer was given.
    pub status: u16,
    /// The client's `User-Agent`, or the stand-in that made the call.
    pub caller: String,
    /// Time of the machine that the account worked on it.
    pub duration_ms: u64,
    /// Body, secrets left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Fault that hit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// All calls.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<Entry>,
}

impl Journal {
    /// Adds a call; its position is set here.
    pub(crate) fn add(&mut self, mut entry: Entry) {
        entry.n = self.entries.len() as u64 + 1;
        self.entries.push(entry);
    }

    /// How many calls there were.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Calls after position `since`.
    pub(crate) fn since(&self, since: u64) -> &[Entry] {
        let at = usize::try_from(since)
            .unwrap_or(usize::MAX)
            .min(self.entries.len());
        &self.entries[at..]
    }
}

/// The body with its secrets replaced by their length.
pub(crate) fn without_secrets(body: &[u8]) -> Option<Value> {
    let mut value = serde_json::from_slice(body).ok()?;
    hide(&mut value);
    Some(value)
}

fn hide(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if SECRET_FIELDS.contains(&name.as_str())
                    && !field.is_null()
                    && field.as_str() != Some("")
                {
                    *field = Value::String(format!(
                        "({} bytes, not kept)",
                        field
                            .as_str()
                            .map_or_else(|| field.to_string().len(), str::len)
                    ));
                } else {
                    hide(field);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_in_bodies_are_not_kept() {
        let body = json!({"label": "a", "user_data": "c2VjcmV0", "node_pools": [{"user_data": "c2VjcmV0", "label": "p"}]});
        let kept = without_secrets(body.to_string().as_bytes()).unwrap();
        assert!(!kept.to_string().contains("c2VjcmV0"));
        assert_eq!(
            (
                kept["label"].as_str(),
                kept["node_pools"][0]["label"].as_str()
            ),
            (Some("a"), Some("p"))
        );
    }
}
