//! Helm ignores a value that a chart does not know. So every key that a role sets is held against the values of the
//! real chart, and the charts that stand in for the real ones offline are held against both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// Keys below which everybody may write what they like: Kubernetes' own structures, labels and environments.
const FREE_FORM: &[&str] = &[
    "annotations",
    "containerSecurityContext",
    "env",
    "extraEnv",
    "extraEnvironmentVars",
    "nodeSelector",
    "podLabels",
    "podSecurityContext",
    "secretExtraEnvironmentVars",
    "securityContext",
];
/// The same, for keys that a chart names with a suffix of its own, as in `resourcesCrossplane`.
const FREE_FORM_PREFIXES: &[&str] = &["resources", "securityContext"];

#[test]
fn every_value_a_role_sets_is_known_to_the_real_chart() {
    let mut faults = Vec::new();
    for component in components() {
        let known = upstream(&component.chart);
        for layer in component.layers() {
            known.collect_unknown(&layer.values, &mut Vec::new(), &mut |fault| {
                faults.push(format!(
                    "{}: {fault} of chart {}",
                    layer.origin, component.chart
                ));
            });
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_value_a_role_sets_is_known_to_the_stand_in() {
    let mut faults = Vec::new();
    for component in components() {
        let known = Known::values_only(&yaml(&charts().join(&component.chart).join("values.yaml")));
        for layer in component.layers() {
            known.collect_unknown(&layer.values, &mut Vec::new(), &mut |fault| {
                faults.push(format!(
                    "{}: {fault} of the stand-in for {}",
                    layer.origin, component.chart
                ));
            });
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_stand_in_knows_no_value_that_the_real_chart_does_not() {
    let mut faults = Vec::new();
    for component in components() {
        let values = yaml(&charts().join(&component.chart).join("values.yaml"));
        upstream(&component.chart).collect_unknown(&values, &mut Vec::new(), &mut |fault| {
            faults.push(format!("stand-in for {}: {fault}", component.chart));
        });
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_stand_in_has_the_pinned_version() {
    for component in components() {
        let chart = yaml(&charts().join(&component.chart).join("Chart.yaml"));
        assert_eq!(chart["name"], component.chart);
        assert_eq!(
            chart["version"], component.version,
            "version of {}",
            component.chart
        );
        assert_eq!(
            chart["appVersion"], component.app_version,
            "app version of {}",
            component.chart
        );
    }
}

#[test]
fn the_chart_of_our_own_knows_what_its_role_sets() {
    let files = playbooks().join("roles/minio/files");
    let known = Known::values_only(&yaml(&files.join("minio/values.yaml")));
    for size in ["dev", "ha"] {
        let mut faults = Vec::new();
        known.collect_unknown(
            &yaml(&files.join(format!("minio-{size}.yaml"))),
            &mut Vec::new(),
            &mut |fault| faults.push(fault),
        );
        assert!(
            faults.is_empty(),
            "minio-{size}.yaml: {}",
            faults.join("\n")
        );
    }
}

#[test]
fn a_mistyped_key_and_a_wrong_kind_are_found() {
    let known = upstream("kong");
    let mut faults = Vec::new();
    let wrong = serde_json::json!({
        "proxy": { "tpye": "LoadBalancer", "http": [] },
        "env": { "anything": "goes" },
        "nodeSelector": { "any": "label" },
        "topologySpreadConstraints": [],
    });
    known.collect_unknown(&wrong, &mut Vec::new(), &mut |fault| faults.push(fault));
    assert_eq!(
        faults,
        [
            "proxy.http is a map in the values",
            "proxy.tpye is not in the values"
        ]
    );
    faults.clear();
    upstream("seaweedfs").collect_unknown(
        &serde_json::json!({ "master": { "tolerations": [] } }),
        &mut Vec::new(),
        &mut |fault| faults.push(fault),
    );
    assert_eq!(faults, ["master.tolerations is text in the values"]);
}

/// A component as `components.yaml` pins it.
struct Component {
    name: String,
    chart: String,
    version: String,
    app_version: String,
}

/// Values that a role gives its chart, and where they stand.
struct Layer {
    origin: String,
    values: Value,
}

impl Component {
    /// Everything that the role sets: its files, and what it computes.
    fn layers(&self) -> Vec<Layer> {
        let role = playbooks().join("roles").join(&self.name);
        let mut layers: Vec<Layer> = self
            .value_files(&role.join("files"))
            .into_iter()
            .map(|path| Layer {
                origin: path
                    .strip_prefix(playbooks())
                    .unwrap()
                    .display()
                    .to_string(),
                values: yaml(&path),
            })
            .collect();
        assert!(
            layers.len() >= 3,
            "{} has values for all sizes and for each size",
            self.name
        );
        let variables = role.join("vars/main.yml");
        let computed = format!("{}_computed_values", self.name);
        if variables.exists()
            && let Some(values) = yaml(&variables).get(&computed)
        {
            layers.push(Layer {
                origin: computed,
                values: values.clone(),
            });
        }
        layers
    }

    /// Files for this chart: `values*.yaml`, or named after the chart where a role has several backends.
    fn value_files(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy();
                name.ends_with(".yaml")
                    && (name.starts_with("values") || name.starts_with(&self.chart))
            })
            .collect();
        files.sort();
        files
    }
}

/// What a chart knows: the tree of its values, and of its schema when it has one.
struct Known {
    values: Value,
    schema: Option<Schema>,
}

struct Schema {
    root: Value,
    here: Value,
}

impl Known {
    fn values_only(values: &Value) -> Self {
        Self {
            values: values.clone(),
            schema: None,
        }
    }

    /// Reports every key of `set` that the chart does not know, and every one of another kind.
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

fn is_free_form(key: &str) -> bool {
    FREE_FORM.contains(&key)
        || FREE_FORM_PREFIXES
            .iter()
            .any(|prefix| key.starts_with(prefix))
}

/// The real chart: its values, the keys it shows in comments only, and its schema.
fn upstream(chart: &str) -> Known {
    let folder = charts().join("upstream").join(chart);
    let text = fs::read_to_string(folder.join("values.yaml")).unwrap();
    let mut values = yaml(&folder.join("values.yaml"));
    let top = values.as_object_mut().unwrap();
    for key in text.lines().filter_map(commented_key) {
        top.entry(key.to_owned()).or_insert(Value::Null);
    }
    let schema = folder.join("values.schema.json");
    let schema = schema.exists().then(|| {
        let root: Value = serde_json::from_str(&fs::read_to_string(&schema).unwrap()).unwrap();
        Schema {
            here: root.clone(),
            root,
        }
    });
    Known { values, schema }
}

/// `# affinity: {}` at the margin stands for a key that the chart reads and leaves unset.
fn commented_key(line: &str) -> Option<&str> {
    let (key, value) = line.strip_prefix("# ")?.split_once(':')?;
    let unset = matches!(value.trim(), "{}" | "[]");
    (unset && key.chars().all(char::is_alphanumeric)).then_some(key)
}

fn components() -> Vec<Component> {
    let document = yaml(&playbooks().join("components.yaml"));
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    document["components"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, component)| Component {
            name: name.clone(),
            chart: text(&component["chart"]["name"]),
            version: text(&component["chart"]["version"]),
            app_version: text(&component["chart"]["app_version"]),
        })
        .collect()
}

fn yaml(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn playbooks() -> PathBuf {
    slipway_tests::workspace().join("playbooks")
}

fn charts() -> PathBuf {
    slipway_tests::workspace().join("tests/charts")
}
