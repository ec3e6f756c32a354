//! The components that a configuration asks for.

use std::collections::{BTreeMap, BTreeSet};

use run_report::{Catalog, ComponentRequest, Size};
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
