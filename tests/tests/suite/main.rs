//! What no single crate can test, as one program: it is linked once, and its tests keep both processors busy to the end.
//!
//! `cargo test -p slipway-tests --test suite NAME` runs the tests of one file.

mod acceptance_claims;
mod acceptance_complete;
mod acceptance_complete_faults;
mod acceptance_complete_rotation;
mod acceptance_continue;
mod acceptance_day_two;
mod acceptance_existing_host;
mod acceptance_quickstart;
mod acceptance_secrets;
mod acceptance_without_internet;
mod bootstrap_doctor;
mod charts_rendered;
mod charts_values;
mod claim_corpus;
mod conformance_govultr;
mod conformance_plugin_testing;
mod conformance_vultr_client;
mod docs_errors;
mod docs_examples;
mod docs_guides;
mod golden_states;
mod newest_core;
mod playbook_diagnosis;
mod playbook_modules;
mod provider_answers;
mod provider_bad_input;
mod provider_day_two;
mod provider_destroy;
mod provider_faults;
mod provider_import;
mod provider_kill_sweep;
mod provider_plan;
mod provider_records;
mod provider_sequences;
mod release_installed;
mod settled;
mod vendor_pains;
