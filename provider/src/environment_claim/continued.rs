//! Why a claim whose environment did not become ready in time is not taken back.
//!
//! Terraform marks an object as tainted when its create ends with an error, and the next apply replaces it: delete, then
//! create. The plan of the new object leaves its claim in the private data, which the delete half gets to see. If that
//! is the claim that was waited for, the delete half leaves it where it is and the create half takes it over.

use serde_json::{Map, Value as Json};
use tfplugin::{Object, Plan, Private};

use super::claim::known_json;
use super::{READY_PHASE, wait};
use crate::session::Session;

/// Where the private data holds the claim of the new object.
const KEY: &str = "claim";
/// Filled in when the claim is accepted, where the configuration leaves them open.
const FILLED_IN: [&str; 2] = ["creation_date", "expiration_date"];

/// Leaves the planned claim for the delete half of a replace.
pub(super) fn remember(op: &mut Plan<Session>) {
    // JSON always has a JSON form.
    drop(op.private.set(KEY, &identified(&op.planned)));
}

/// Whether the object that makes way is the same claim, waited for in vain.
pub(super) fn continues(state: &Object, private: &Private) -> bool {
    let waited_in_vain =
        wait::is_wanted(state) && state.value("phase").as_str() != Some(READY_PHASE);
    waited_in_vain
        && private
            .get::<Map<String, Json>>(KEY)
            .is_some_and(|wanted| is_same(&wanted, identified(state)))
}

fn is_same(wanted: &Map<String, Json>, mut there: Map<String, Json>) -> bool {
    for field in FILLED_IN {
        if !wanted.contains_key(field) {
            there.remove(field);
        }
    }
    *wanted == there
}

/// The claim with the platform that it belongs to.
fn identified(object: &Object) -> Map<String, Json> {
    let mut fields = match known_json(object) {
        Json::Object(fields) => fields,
        _ => Map::new(),
    };
    let platform = object.value("platform_id").as_str().map(Json::from);
    fields.insert("platform_id".to_owned(), platform.unwrap_or_default());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(phase: &str) -> Object {
        Object::new()
            .with("platform_id", "acme")
            .with("environment_name", "dev-x")
            .with("environment_type", "dev")
            .with("creation_date", "2026-01-01T00:00:00Z")
            .with("wait_for", "ready")
            .with("phase", phase)
    }

    fn private(planned: &Object) -> Private {
        let mut private = Private::default();
        private.set(KEY, &identified(planned)).unwrap();
        private
    }

    #[test]
    fn only_the_same_claim_that_was_waited_for_in_vain_stays() {
        let mut planned = state("Pending");
        planned.set_unknown("creation_date");
        assert!(continues(&state("Deploying"), &private(&planned)));
        assert!(!continues(&state("Ready"), &private(&planned)));
        assert!(!continues(&state("Deploying"), &Private::default()));
        let accepted = state("Deploying").with("wait_for", "accepted");
        assert!(!continues(&accepted, &private(&planned)));
        for (name, other) in [
            ("environment_type", "prod"),
            ("platform_id", "other"),
            ("creation_date", "2025-01-01T00:00:00Z"),
        ] {
            let other = planned.clone().with(name, other);
            assert!(!continues(&state("Deploying"), &private(&other)), "{name}");
        }
    }
}
