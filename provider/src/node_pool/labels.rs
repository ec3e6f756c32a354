//! Labels and taints as Kubernetes takes them.

use std::collections::BTreeMap;

use tfplugin::value::{Attr, FromValue, IntoValue};
use tfplugin::{AttributePath, Diagnostics, Object, Value, ValueError};

use crate::fault::{self, Fault};
use crate::nearest::allowed_words;
use crate::platform::settings::known;
use crate::pool_kind::{TAINT_EFFECTS, Taint};

impl FromValue for Taint {
    fn from_value(value: &Value, path: &AttributePath) -> Result<Self, ValueError> {
        let object = Object::from_value(value, path)?;
        Ok(Self {
            key: object.get("key")?,
            value: object.get("value")?,
            effect: object.get("effect")?,
        })
    }
}

impl IntoValue for Taint {
    fn into_value(self) -> Value {
        Object::new()
            .with("key", self.key)
            .with("value", self.value)
            .with("effect", self.effect)
            .into_value()
    }
}

/// Everything that Kubernetes would refuse in the labels and taints of a configuration.
pub(super) fn check(config: &Object, faults: &mut Diagnostics) {
    if let Some(labels) = known::<BTreeMap<String, Attr<String>>>(config, "labels", faults) {
        for (key, value) in &labels {
            let value = match value {
                Attr::Known(value) => value.as_str(),
                Attr::Null | Attr::Unknown => "",
            };
            if let Some(why) = bad_pair(key, value) {
                faults.append(
                    Fault::new(fault::BAD_LABEL, format!("labels[{key:?}]: {why}"))
                        .at(AttributePath::from("labels").key(key)),
                );
            }
        }
    }
    if let Some(taints) = known::<Vec<Object>>(config, "taints", faults) {
        for (index, taint) in taints.iter().enumerate() {
            check_taint(index, taint, faults);
        }
    }
}

fn check_taint(index: usize, taint: &Object, faults: &mut Diagnostics) {
    let at = AttributePath::from("taints").index(index);
    let field = |name: &str, faults: &mut Diagnostics| known::<String>(taint, name, faults);
    let (key, value, effect) = (
        field("key", faults),
        field("value", faults),
        field("effect", faults),
    );
    if let Some(key) = key
        && let Some(why) = bad_pair(&key, value.as_deref().unwrap_or(""))
    {
        faults.append(Fault::new(fault::BAD_LABEL, format!("taints[{index}]: {why}")).at(&at));
    }
    if let Some(effect) = effect
        && !TAINT_EFFECTS.contains(&effect.as_str())
    {
        let words = allowed_words(&effect, TAINT_EFFECTS);
        faults.append(
            Fault::new(
                fault::BAD_LABEL,
                format!("taints[{index}].effect is {effect:?}. {words}"),
            )
            .at(&at),
        );
    }
}

/// Why Kubernetes would refuse a label or taint of this key and value.
fn bad_pair(key: &str, value: &str) -> Option<String> {
    let (prefix, name) = key
        .split_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let word = |text: &str| {
        text.len() <= 63
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && text
                .bytes()
                .next()
                .is_none_or(|b| b.is_ascii_alphanumeric())
            && text
                .bytes()
                .last()
                .is_none_or(|b| b.is_ascii_alphanumeric())
    };
    if name.is_empty()
        || !word(name)
        || prefix.is_some_and(|prefix| prefix.is_empty() || prefix.len() > 253)
    {
        return Some(format!(
            "{key:?} is no key. Allowed: up to 63 letters, digits, '-', '_' and '.', if wanted after a DNS name and '/'."
        ));
    }
    (!word(value)).then(|| format!("{value:?} is no value. Allowed: up to 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit."))
}
