//! Objects of the bucket. What is accepted passes the published schema, and says the same after it was written again.

#![no_main]

use claims::{Document, claim_schema};
use jsonschema::Validator;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&claim_schema()).expect("the schema is one"));

fuzz_target!(|bytes: &[u8]| {
    let written = match Document::read(bytes) {
        Err(faults) => {
            assert!(!faults.0.is_empty(), "refused without a reason");
            return;
        }
        Ok(Document::Tombstone(tombstone)) => {
            let written = tombstone.to_json();
            assert_eq!(
                Document::read(written.as_bytes()),
                Ok(Document::Tombstone(tombstone))
            );
            return;
        }
        Ok(Document::Claim(claim)) => {
            let written = claim.to_json();
            assert_eq!(
                Document::read(written.as_bytes()),
                Ok(Document::Claim(claim))
            );
            written
        }
    };
    for text in [bytes, written.as_bytes()] {
        let value = serde_json::from_slice(text).expect("what was accepted is JSON");
        if let Err(fault) = SCHEMA.validate(&value) {
            panic!("accepted, but not by the schema: {fault}");
        }
    }
});
