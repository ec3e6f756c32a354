//! Values that mean the same as the prior ones.

use super::Fields;
use super::pairs::for_each_object;
use crate::schema::Body;
use crate::value::Value;

/// Goes back to the prior value where the planned one means the same. Core allows it as "exactly the prior value".
pub(crate) fn keep_prior_text(body: &Body, planned: &mut Fields, config: &Fields, prior: &Fields) {
    for (name, attribute) in &body.attributes {
        let (Some(same), Some(value), Some(before)) = (
            attribute.same_meaning,
            planned.get_mut(name),
            prior.get(name),
        ) else {
            continue;
        };
        let comparable = |value: &Value| !value.is_null() && value.is_wholly_known();
        let configured = config.get(name).is_some_and(|value| !value.is_null());
        if configured && comparable(value) && comparable(before) && (same.0)(before, value) {
            value.clone_from(before);
        }
    }
    for (name, nesting, body) in body.nests() {
        let Some(value) = planned.get_mut(name) else {
            continue;
        };
        let peers = [config.get(name), prior.get(name)];
        for_each_object(nesting, value, peers, &mut |fields, peers| {
            if let [Some(config), Some(prior)] = peers {
                keep_prior_text(body, fields, config, prior);
            }
        });
    }
}
