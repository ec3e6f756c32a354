//! What a chart knows. Helm ignores a value that a chart does not know, so every key that is set is held against this.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::yaml;

/// Keys below which everybody may write what they like: Kubernetes' own structures, labels and environments.
const FREE_FORM: &[&str] = &[
    "annotations",
    "containerSecurityContext",
    "env",
    "extraEnv",
    "extraEnvironmentVars",
    "grafana.ini",
    "nodeSelector",
    "podLabels",
    "podSecurityContext",
    "secretExtraEnvironmentVars",
    "securityContext",
];
/// The same, for keys that a chart names with a suffix of its own, as in `resourcesCrossplane`.
const FREE_FORM_PREFIXES: &[&str] = &["resources", "securityContext"];

/// What a chart knows: the tree of its values, and of its schema when it has one.
#[derive(Debug)]
pub struct Known {
    values: Value,
    schema: Option<Schema>,
}

#[derive(Debug)]
struct Schema {
    root: Value,
    here: Value,
}

impl Known {
    /// What stands in the chart's values and nowhere else.
    pub fn values_only(folder: &Path) -> Result<Self> {
        Ok(Self {
            values: yaml(&folder.join("values.yaml"))?,
            schema: None,
        })
    }

    /// The chart's values, those of the charts within it, the keys that are shown in comments only, and its schema.
    pub fn everything(folder: &Path) -> Result<Self> {
        let mut known = Self::values_only(folder)?;
        let text = std::fs::read_to_string(folder.join("values.yaml"))?;
        let top = known
            .values
            .as_object_mut()
            .context("values that are no map")?;
        for (name, values) in charts_within(folder)? {
            fill(top.entry(name).or_insert(Value::Null), &values);
        }
        for key in text.lines().filter_map(commented_key) {
            top.entry(key.to_owned()).or_insert(Value::Null);
        }
        let commented = folder.join("commented.yaml");
        if commented.exists() {
            fill_in(&mut known.values, yaml(&commented)?);
        }
        let top = known
            .values
            .as_object_mut()
            .context("values that are no map")?;
        for (name, values) in sub_charts(folder)? {
            let own = top.entry(name).or_insert_with(|| Value::Object(Map::new()));
            fill_in(own, values);
        }
        let schema = folder.join("values.schema.json");
        if schema.exists() {
            let root: Value = serde_json::from_str(&std::fs::read_to_string(&schema)?)?;
            known.schema = Some(Schema {
                here: root.clone(),
                root,
            });
        }
        Ok(known)
    }

    /// Every key of `set` that the chart does not know, and every one of another kind.
    #[must_use]
    pub fn unknown(&self, set: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.collect_unknown(set, &mut Vec::new(), &mut |fault| faults.push(fault));
        faults.sort_unstable();
        faults
    }

    fn collect_unknown(&self, set: &Value, path: &mut Vec<String>, report: &mut dyn FnMut(String)) {
        let Value::Object(entries) = set else { return };
        for (key, value) in entries {
            path.push(key.clone());
            match self.child(key) {
                None => report(format!("{} is not in the values", path.join("."))),
                Some(known) => match known.expects_otherwise(value) {
                    Some(kind) => report(format!("{} is {kind} in the values", path.join("."))),
                    None if is_free_form(key) || known.is_open() => {}
                    None => known.collect_unknown(value, path, report),
                },
            }
            path.pop();
        }
    }

    fn child(&self, key: &str) -> Option<Self> {
        let values = self.values.get(key).cloned();
        let schema = self.schema.as_ref().and_then(|schema| schema.child(key));
        if values.is_none() && schema.is_none() {
            return None;
        }
        Some(Self {
            values: values.unwrap_or(Value::Null),
            schema,
        })
    }

    /// An empty place says nothing about what may stand there.
    fn is_open(&self) -> bool {
        let empty = match &self.values {
            Value::Object(entries) => entries.is_empty(),
            Value::Null => true,
            _ => false,
        };
        empty
            && self
                .schema
                .as_ref()
                .is_none_or(|schema| schema.properties().is_none())
    }

    fn expects_otherwise(&self, value: &Value) -> Option<&'static str> {
        match (&self.values, value) {
            (Value::Object(_), Value::Array(_)) => Some("a map"),
            (Value::Array(_), Value::Object(_)) => Some("a list"),
            (Value::String(_), Value::Object(_) | Value::Array(_)) => Some("text"),
            _ => None,
        }
    }
}

impl Schema {
    fn properties(&self) -> Option<&Map<String, Value>> {
        self.here.get("properties")?.as_object()
    }

    fn child(&self, key: &str) -> Option<Self> {
        let found = self.properties()?.get(key)?;
        let here = match found.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.root.pointer(reference.strip_prefix('#')?)?.clone(),
            None => found.clone(),
        };
        Some(Self {
            root: self.root.clone(),
            here,
        })
    }
}

/// The values of the charts that a chart brings along, by name; what stands in `charts` beside its values.
fn sub_charts(folder: &Path) -> Result<Vec<(String, Value)>> {
    let charts = folder.join("charts");
    if !charts.is_dir() {
        return Ok(Vec::new());
    }
    std::fs::read_dir(charts)?
        .map(|entry| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, yaml(&entry.path().join("values.yaml"))?))
        })
        .collect()
}

/// What `values` has and `whole` has not; where both say something, the chart above has the word.
fn fill_in(whole: &mut Value, values: Value) {
    match (whole, values) {
        (Value::Object(whole), Value::Object(values)) => {
            for (key, value) in values {
                fill_in(whole.entry(key).or_insert(Value::Null), value);
            }
        }
        (whole @ Value::Null, value) => *whole = value,
        _ => {}
    }
}

fn is_free_form(key: &str) -> bool {
    FREE_FORM.contains(&key)
        || FREE_FORM_PREFIXES
            .iter()
            .any(|prefix| key.starts_with(prefix))
}

/// `# affinity: {}` at the margin stands for a key that the chart reads and leaves unset.
fn commented_key(line: &str) -> Option<&str> {
    let (key, value) = line.strip_prefix("# ")?.split_once(':')?;
    let unset = matches!(value.trim(), "{}" | "[]");
    (unset && key.chars().all(char::is_alphanumeric)).then_some(key)
}

/// The charts that a chart consists of, by the keys that their values stand under.
fn charts_within(folder: &Path) -> Result<Vec<(String, Value)>> {
    let folder = folder.join("charts");
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            found.push((name, yaml(&entry.path().join("values.yaml"))?));
        }
    }
    Ok(found)
}

/// Adds what `known` lacks.
fn fill(known: &mut Value, more: &Value) {
    match (known, more) {
        (Value::Object(known), Value::Object(more)) => {
            for (key, value) in more {
                fill(known.entry(key).or_insert(Value::Null), value);
            }
        }
        (known @ Value::Null, more) => *known = more.clone(),
        _ => {}
    }
}
