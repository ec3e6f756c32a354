//! The Python of the playbooks, tested by its own tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

#[test]
fn the_modules_pass_their_tests() {
    let output = Command::new("python3")
        .args(["-B", "-m", "unittest", "discover", "-s", "tests/playbooks"])
        .current_dir(slipway_tests::workspace())
        .output()
        .expect("python3 is on the PATH");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
