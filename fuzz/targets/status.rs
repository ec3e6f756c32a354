//! Status objects, which another program writes.

#![no_main]

use claims::status::Status;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Status::read(bytes) {
        Ok(status) => assert_eq!(Status::read(status.to_json().as_bytes()), Ok(status)),
        Err(faults) => assert!(!faults.0.is_empty(), "refused without a reason"),
    }
});
