//! Bodies of requests for a later end: the first line is the body, the rest the claim that it is about. What is accepted
//! becomes a claim that every other reader accepts.

#![no_main]

#[path = "../../platform-api/src/routes/bodies.rs"]
#[allow(dead_code, reason = "it has a body of another route too")]
mod bodies;

use bodies::Extended;
use claims::Claim;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (body, claim) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(Extended { until }) = bodies::read(body.as_bytes()) else {
        return;
    };
    let Ok(claim) = Claim::read(claim.as_bytes()) else {
        return;
    };
    if let Ok(after) = claim.clone().ending_at(until) {
        assert_eq!(after.expiration_date, Some(until));
        assert_eq!(Claim::read(after.to_json().as_bytes()).as_ref(), Ok(&after));
        let back = after.ending_at(until).expect("the same end once more");
        assert_eq!(back.services, claim.services);
    }
});
