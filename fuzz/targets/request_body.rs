//! Bodies of requests. What is accepted becomes a claim that every other reader accepts.

#![no_main]

use claims::{Claim, Draft};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fuzz_target!(|bytes: &[u8]| {
    let Ok(draft) = Draft::read(bytes) else {
        return;
    };
    match draft.complete("ada@example.com", NOW) {
        Ok(claim) => {
            let written = claim.to_json();
            assert_eq!(Claim::read(written.as_bytes()), Ok(claim));
        }
        Err(faults) => assert!(!faults.0.is_empty(), "refused without a reason"),
    }
});
