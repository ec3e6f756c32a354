//! Why a broken-off create is continued and not destroyed.
//!
//! Terraform marks an object as tainted when its create ends with an error, and the next apply replaces it: delete, then
//! create. The plan of the new object leaves its create-only settings in the private data, which the delete half gets
//! to see. If the old object is an unfinished platform with the same settings, the delete half leaves everything in
//! the cloud where it is, and the create half adopts it by its mark.

use std::collections::BTreeMap;

use tfplugin::{Object, Plan, Private, Value};

use super::Phase;
use super::schema::CREATE_ONLY;
use crate::mark::{Incarnation, Mark};
use crate::session::Session;

/// Where the private data holds the settings of the new object.
const KEY: &str = "create_only";

/// Leaves the create-only settings of a planned platform for the delete half of a replace.
pub(super) fn remember(op: &mut Plan<Session>) {
    match create_only(&op.planned) {
        // Texts always have a JSON form.
        Some(settings) => drop(op.private.set(KEY, &settings)),
        None => op.private.remove(KEY),
    }
}

/// Whether the object that makes way is the unfinished beginning of the one that replaces it.
pub(super) fn continues(state: &Object, private: &Private) -> bool {
    Phase::of(state) == Phase::Incomplete
        && private
            .get::<BTreeMap<String, String>>(KEY)
            .is_some_and(|wanted| create_only(state) == Some(wanted))
}

/// The settings that only a new platform can have otherwise; nothing while one of them is unknown.
fn create_only(object: &Object) -> Option<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for name in CREATE_ONLY {
        settings.insert(name.to_owned(), spell(object.value(name))?);
    }
    Some(settings)
}

fn spell(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Whether an unfinished instance in the state may still delete what carries the platform's mark. It may not once a
/// newer create has taken it over, which is what `create_before_destroy` makes of a continued create.
pub(super) fn still_owns(state: &Object, vpc_mark: Option<&Mark>) -> bool {
    if Phase::of(state) != Phase::Incomplete {
        return true;
    }
    let ours = state.value("incarnation").as_str().map(Incarnation::stored);
    match vpc_mark {
        None | Some(Mark::Creating(_, None)) => true,
        Some(Mark::Creating(_, theirs)) => *theirs == ours,
        Some(Mark::Finished(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::PlatformId;

    fn state(phase: Phase) -> Object {
        Object::new()
            .with("name", "acme")
            .with("region", "ams")
            .with("domain", "acme.example")
            .with("high_availability", false)
            .with("network_cidr", "10.20.0.0/20")
            .with(
                "system_pool",
                Object::new()
                    .with("plan", "vc2-4c-8gb")
                    .with("min_nodes", 3)
                    .with("max_nodes", 5),
            )
            .with("phase", phase.as_str())
            .with("incarnation", "aaaa0001")
    }

    fn plan_of(object: &Object) -> Private {
        let mut private = Private::default();
        private.set(KEY, &create_only(object).unwrap()).unwrap();
        private
    }

    #[test]
    fn only_an_unfinished_platform_with_the_same_settings_is_continued() {
        let wanted = plan_of(&state(Phase::Ready));
        assert!(continues(&state(Phase::Incomplete), &wanted));
        assert!(!continues(&state(Phase::Ready), &wanted));
        assert!(!continues(
            &state(Phase::Incomplete).with("region", "fra"),
            &wanted
        ));
        assert!(!continues(&state(Phase::Incomplete), &Private::default()));
    }

    #[test]
    fn more_nodes_or_other_components_are_no_reason_to_begin_anew() {
        let mut wanted = state(Phase::Ready);
        wanted.set(
            "system_pool",
            Object::new()
                .with("plan", "vc2-4c-8gb")
                .with("min_nodes", 1)
                .with("max_nodes", 1),
        );
        assert!(continues(&state(Phase::Incomplete), &plan_of(&wanted)));
    }

    #[test]
    fn what_a_newer_create_took_over_is_not_deleted_by_the_older_instance() {
        let id = PlatformId::parse("acme").unwrap();
        let by = |run: &str| Mark::Creating(id.clone(), Some(Incarnation::stored(run)));
        let old = state(Phase::Incomplete);
        assert!(still_owns(&old, Some(&by("aaaa0001"))));
        assert!(still_owns(&old, Some(&Mark::Creating(id.clone(), None))));
        assert!(still_owns(&old, None));
        assert!(!still_owns(&old, Some(&by("bbbb0002"))));
        assert!(!still_owns(&old, Some(&Mark::Finished(id.clone()))));
        for finished in [Phase::Ready, Phase::Unsettled] {
            assert!(still_owns(
                &state(finished),
                Some(&Mark::Finished(id.clone()))
            ));
        }
    }
}
