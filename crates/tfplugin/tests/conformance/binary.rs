//! The example providers' binaries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The example that keeps notes as files.
pub(crate) fn files() -> PathBuf {
    examples().join("files")
}

/// The example that breaks rules on request.
pub(crate) fn unruly() -> PathBuf {
    examples().join("unruly")
}

/// The examples' directory, built if they are not up to date: `cargo test --test` alone does not build examples.
fn examples() -> &'static Path {
    static EXAMPLES: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let own = std::env::current_exe().unwrap();
        let profile = own.parent().and_then(Path::parent).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--examples", "--package"]);
        cargo.arg(env!("CARGO_PKG_NAME"));
        cargo.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        let built = cargo.status().unwrap().success();
        assert!(built, "the examples do not build");
        profile.join("examples")
    })
}
