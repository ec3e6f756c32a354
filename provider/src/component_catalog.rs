//! The components that this binary carries, read when they are first needed: a process that only serves its schema never
//! reads them.

use std::sync::LazyLock;

use run_report::Catalog;
use tfplugin::{Diagnostic, Diagnostics};

static EMBEDDED: LazyLock<Result<Catalog, String>> =
    LazyLock::new(|| Catalog::embedded().map_err(|error| error.to_string()));

/// The catalogue of components. Only a build with broken playbooks has none.
pub(crate) fn embedded() -> Result<&'static Catalog, Diagnostics> {
    EMBEDDED
        .as_ref()
        .map_err(|error| Diagnostic::bug(error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_build_carries_components() {
        assert!(embedded().unwrap().get("minio").is_some());
    }
}
