//! The components of a platform: what the configuration asks for, what the plan shows, what the journal says.

use std::collections::{BTreeMap, BTreeSet};

use run_report::{Catalog, ComponentRequest, JournalRecord, Reason, Size, Wanted};
use tfplugin::value::{Attr, FromValue, IntoValue};
use tfplugin::{AttributePath, Diagnostics, Object, Value, ValueError};

use crate::fault::{self, Fault};
use crate::nearest::allowed_words;

/// What the configuration says about one component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ComponentSetting {
    pub(crate) enabled: bool,
    pub(crate) version: Option<String>,
    pub(crate) size: Size,
    pub(crate) values: Option<String>,
}

impl FromValue for ComponentSetting {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        let object = Object::from_value(value, path)?;
        let size = object.get::<Option<String>>("size")?;
        Ok(Self {
            enabled: object.get::<Option<bool>>("enabled")?.unwrap_or(true),
            version: object.get("version")?,
            size: match size {
                Some(word) => size_named(&word)
                    .ok_or_else(|| ValueError::other(object.path_of("size"), "allowed: dev, ha"))?,
                None => Size::default(),
            },
            values: object.get("values")?,
        })
    }
}

fn size_named(word: &str) -> Option<Size> {
    [Size::Dev, Size::Ha]
        .into_iter()
        .find(|size| size.as_str() == word)
}

/// The whole set: the default components with the configuration's changes, and those it adds.
pub(crate) fn requests(
    catalog: &Catalog,
    settings: &BTreeMap<String, ComponentSetting>,
) -> Vec<ComponentRequest> {
    catalog
        .iter()
        .filter(|(name, component)| component.default || settings.contains_key(*name))
        .map(|(name, _)| {
            let setting = settings.get(name).cloned();
            let enabled = setting.as_ref().is_none_or(|setting| setting.enabled);
            let setting = setting.unwrap_or_default();
            ComponentRequest {
                name: name.to_owned(),
                enabled,
                version: setting.version,
                size: setting.size,
                values: setting.values,
            }
        })
        .collect()
}

/// Everything wrong with the `components` of a configuration; unknown values are passed over.
pub(crate) fn check(catalog: &Catalog, config: &Object) -> Diagnostics {
    let mut faults = Diagnostics::new();
    let components = config.get::<Attr<BTreeMap<String, Attr<Object>>>>("components");
    let Some(Attr::Known(components)) = faults.collect(components) else {
        return faults;
    };
    for (name, object) in &components {
        let at = AttributePath::from("components").key(name);
        if catalog.get(name).is_none() {
            let words = allowed_words(
                name,
                catalog.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            );
            faults.append(
                Fault::new(
                    fault::UNKNOWN_COMPONENT,
                    format!("components[{name:?}]: there is no such component. {words}"),
                )
                .at(at),
            );
            continue;
        }
        if let Attr::Known(object) = object {
            check_one(catalog, name, object, &at, &mut faults);
        }
    }
    if !faults.has_errors() && config.value("components").is_wholly_known() {
        check_uses(catalog, config, &mut faults);
    }
    faults
}

fn check_one(
    catalog: &Catalog,
    name: &str,
    object: &Object,
    at: &AttributePath,
    faults: &mut Diagnostics,
) {
    if let Some(Attr::Known(size)) = faults.collect(object.get::<Attr<String>>("size"))
        && size_named(&size).is_none()
    {
        let words = allowed_words(&size, ["dev", "ha"]);
        faults.append(bad(
            at,
            format!("components[{name:?}].size is {size:?}. {words}"),
        ));
        return;
    }
    if object
        .fields()
        .values()
        .any(|value| !value.is_wholly_known())
    {
        return;
    }
    let Some(setting) = faults.collect(ComponentSetting::from_value(&object.into_value(), at))
    else {
        return;
    };
    let request = ComponentRequest {
        name: name.to_owned(),
        // Whether what it uses is enabled is asked of the whole set below.
        enabled: false,
        version: setting.version,
        size: setting.size,
        values: setting.values,
    };
    request.check(catalog, &BTreeSet::new(), &mut |field, message| {
        faults.append(bad(at, format!("components[{name:?}].{field}: {message}.")));
    });
}

fn check_uses(catalog: &Catalog, config: &Object, faults: &mut Diagnostics) {
    let settings = config.get::<Option<BTreeMap<String, ComponentSetting>>>("components");
    let Some(settings) = faults.collect(settings) else {
        return;
    };
    let requests = requests(catalog, &settings.unwrap_or_default());
    let enabled: BTreeSet<&str> = requests
        .iter()
        .filter(|r| r.enabled)
        .map(|r| r.name.as_str())
        .collect();
    for request in &requests {
        request.check(catalog, &enabled, &mut |field, message| {
            if field == "enabled" {
                faults.append(bad(
                    &AttributePath::from("components"),
                    format!("components: {message}."),
                ));
            }
        });
    }
}

fn bad(at: &AttributePath, detail: String) -> Fault {
    Fault::new(fault::BAD_COMPONENT, detail).at(at)
}

/// What the state says about an installed component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) chart: String,
    pub(crate) version: String,
    pub(crate) app_version: String,
    pub(crate) digest: String,
    pub(crate) outcome: String,
}

impl Status {
    /// What a good run of the wanted component will leave.
    fn planned(wanted: &Wanted, catalog: &Catalog) -> Option<Self> {
        let chart = &catalog.get(&wanted.name)?.chart;
        Some(Self {
            chart: chart.name.clone(),
            version: wanted.version.clone(),
            app_version: chart.app_version.clone(),
            digest: wanted.digests.digest.clone(),
            outcome: "ok".to_owned(),
        })
    }
}

impl From<&JournalRecord> for Status {
    fn from(record: &JournalRecord) -> Self {
        Self {
            chart: record.chart.clone(),
            version: record.version.clone(),
            app_version: record.app_version.clone(),
            digest: record.digest.clone(),
            outcome: record.outcome.as_str().to_owned(),
        }
    }
}

impl FromValue for Status {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        let object = Object::from_value(value, path)?;
        Ok(Self {
            chart: object.get("chart")?,
            version: object.get("version")?,
            app_version: object.get("app_version")?,
            digest: object.get("digest")?,
            outcome: object.get("outcome")?,
        })
    }
}

impl IntoValue for Status {
    fn into_value(self) -> Value {
        Object::new()
            .with("chart", self.chart)
            .with("version", self.version)
            .with("app_version", self.app_version)
            .with("digest", self.digest)
            .with("outcome", self.outcome)
            .into_value()
    }
}

/// Statuses by component.
pub(crate) type Statuses = BTreeMap<String, Status>;

/// What the state will say when everything wanted has run.
pub(crate) fn planned_statuses(catalog: &Catalog, wanted: &BTreeMap<String, Wanted>) -> Statuses {
    wanted
        .iter()
        .filter_map(|(name, wanted)| Some((name.clone(), Status::planned(wanted, catalog)?)))
        .collect()
}

/// What the journal says about the components that the state knows; about all of them when it knows none yet.
pub(crate) fn recorded_statuses(
    records: &BTreeMap<String, JournalRecord>,
    known: Option<&Statuses>,
) -> Statuses {
    records
        .iter()
        .filter(|(name, _)| known.is_none_or(|known| known.contains_key(*name)))
        .map(|(name, record)| (name.clone(), Status::from(record)))
        .collect()
}

/// The components whose records do not say what is wanted, and why each will run.
pub(crate) fn due(
    wanted: &BTreeMap<String, Wanted>,
    records: &BTreeMap<String, JournalRecord>,
) -> BTreeMap<String, Reason> {
    wanted
        .iter()
        .filter_map(|(name, wanted)| {
            Some((name.clone(), Reason::to_run(wanted, records.get(name))?))
        })
        .collect()
}

/// The same from what the state says, when the journal was not read.
pub(crate) fn due_by_state(
    wanted: &BTreeMap<String, Wanted>,
    statuses: &Statuses,
) -> BTreeMap<String, Reason> {
    wanted
        .iter()
        .filter_map(|(name, wanted)| {
            let reason = match statuses.get(name) {
                None => Reason::New,
                Some(status) if status.outcome != "ok" => Reason::FailedBefore,
                Some(status) if status.digest == wanted.digests.digest => return None,
                Some(status) if status.version != wanted.version => Reason::Version,
                Some(_) => Reason::Values,
            };
            Some((name.clone(), reason))
        })
        .collect()
}

/// A reason in the words of a plan.
pub(crate) fn spell(reason: Reason) -> &'static str {
    match reason {
        Reason::New => "new",
        Reason::Values => "values changed",
        Reason::Version => "version changed",
        Reason::Size => "size changed",
        Reason::Playbook => "playbook changed",
        Reason::Inputs => "something it uses changed",
        Reason::Secrets => "secrets changed",
        Reason::FailedBefore => "its last run did not end well",
        Reason::Drift => "drifted in the cluster",
        Reason::Forced => "forced",
    }
}
