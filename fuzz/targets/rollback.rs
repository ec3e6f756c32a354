//! Bodies of requests to go back: the first line is the body, the rest the claim to go back to. Its services in the place
//! of others make a claim that every other reader accepts.

#![no_main]

#[path = "../../platform-api/src/routes/bodies.rs"]
#[allow(dead_code, reason = "it has a body of another route too")]
mod bodies;

use bodies::Earlier;
use claims::Claim;
use libfuzzer_sys::fuzz_target;

const NOW: &str = r#"{"user": "ada@example.com", "environment_pool": "team1", "creation_date": "2024-01-15T10:30:00Z",
    "environment_name": "dev-x", "environment_type": "dev", "services": {"shop": "v1.0.0"}}"#;

fuzz_target!(|text: &str| {
    let (body, claim) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(Earlier { etag }) = bodies::read(body.as_bytes()) else {
        return;
    };
    if let Some(etag) = etag {
        let again = serde_json::json!({ "etag": etag }).to_string();
        let Earlier { etag: read } = bodies::read(again.as_bytes()).expect("what was read before");
        assert_eq!(read, Some(etag));
    }
    let Ok(earlier) = Claim::read(claim.as_bytes()) else {
        return;
    };
    let now = Claim::read(NOW.as_bytes()).expect("a claim");
    let after = Claim {
        services: earlier.services,
        ..now
    };
    assert_eq!(Claim::read(after.to_json().as_bytes()), Ok(after));
});
