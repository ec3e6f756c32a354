//! The emulated account against clients that nobody here wrote: the vendor's Go client, in the version inside the
//! vendor's Terraform provider and in the newest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use slipway_tests::{Sandbox, SandboxOptions, workspace};

/// Flags that choose the version: which module file, and which of the tests that differ.
struct Version {
    name: &'static str,
    flags: &'static [&'static str],
}

fn conforms(version: &Version) {
    let sandbox = Sandbox::start(SandboxOptions {
        real: false,
        speed: 600,
    })
    .expect("a sandbox of records starts");
    let output = Command::new("go")
        .args(["test", "-count=1", "-timeout=10m"])
        .args(version.flags)
        .arg("./...")
        .current_dir(workspace().join("tests/govultr"))
        .env("SLIPWAY_API_URL", sandbox.api_url())
        .env("VULTR_API_KEY", sandbox.api_key())
        .output()
        .expect("Go is needed to run the vendor's client: https://go.dev/dl");
    assert!(
        output.status.success(),
        "govultr {} does not agree with the emulated account:\n{}{}",
        version.name,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_newest_govultr_agrees() {
    conforms(&Version {
        name: "3.34.0",
        flags: &[],
    });
}

#[test]
fn the_govultr_inside_the_vendors_terraform_provider_agrees() {
    conforms(&Version {
        name: "3.32.0",
        flags: &["-modfile=go.3.32.mod", "-tags=govultr332"],
    });
}
