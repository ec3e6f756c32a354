//! What a schema's rules make of a proposed state, in this order: defaults, write-only values to null, texts that mean
//! the same back to the prior ones, unknown marks, replacement. The resource's own hook comes after.

mod arguments;
mod defaults;
mod meaning;
mod pairs;
mod replacement;
mod unknowns;
mod write_only;

use std::collections::BTreeMap;

pub(crate) use arguments::keep_arguments;
pub(crate) use defaults::fill_defaults;
pub(crate) use pairs::for_each_object;
pub(crate) use replacement::replacements;
pub(crate) use write_only::{set_write_only, strip_write_only};

use crate::schema::Body;
use crate::value::Value;

/// Attributes by name.
pub(crate) type Fields = BTreeMap<String, Value>;

/// Turns the state that core proposes into the one that the schema's rules plan. Computed blocks are filled in only where
/// core accepts them.
pub(crate) fn apply_rules(
    body: &Body,
    planned: &mut Fields,
    config: &Fields,
    prior: Option<&Fields>,
    computed_blocks: bool,
) {
    fill_defaults(body, planned, Some(config));
    strip_write_only(body, planned);
    if let Some(prior) = prior {
        meaning::keep_prior_text(body, planned, config, prior);
    }
    if prior != Some(planned) {
        unknowns::mark(body, planned, Some(config), prior);
        if computed_blocks && prior.is_none() {
            unknowns::mark_blocks(body, planned, config);
        }
    }
}

/// Marks unknown what depends on attributes that the resource's hook changed, unless the hook decided it itself.
pub(crate) fn follow_hook(body: &Body, planned: &mut Fields, before: &Fields, config: &Fields) {
    unknowns::mark_followers(body, planned, before, config);
}

#[cfg(test)]
mod tests;
