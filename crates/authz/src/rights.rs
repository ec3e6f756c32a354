//! Every right as a table for people.

use crate::policy_set::PolicySet;

/// The table of rights under a set of policies: who × what × how × type.
#[must_use]
pub fn table(_set: &PolicySet) -> String {
    String::new()
}
