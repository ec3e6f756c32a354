//! Where the programs under test lie.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The root of the checkout.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// The folder that `cargo build --workspace` fills: `SLIPWAY_BIN_DIR`, else that of the dev profile where cargo builds.
#[must_use]
pub fn binary_folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("SLIPWAY_BIN_DIR") {
        return PathBuf::from(folder);
    }
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace().join("target"), PathBuf::from)
        .join("debug")
}

/// One of the workspace's programs, or an error that says how to build it.
pub fn binary(name: &str) -> Result<PathBuf> {
    let path = binary_folder().join(name);
    ensure!(
        path.is_file(),
        "{} is missing: build it with `cargo build --workspace --bins`",
        path.display()
    );
    Ok(path)
}

/// The folder with the pinned engines, as `cargo xtask tools` names it in `SLIPWAY_TOOLS`.
pub fn engines() -> Result<PathBuf> {
    let folder = std::env::var_os("SLIPWAY_TOOLS")
        .map(PathBuf::from)
        .context("SLIPWAY_TOOLS is not set: run the tests through `make test`, or export it from `cargo xtask tools`")?;
    ensure!(
        folder.is_dir(),
        "SLIPWAY_TOOLS names {}, which is no folder",
        folder.display()
    );
    Ok(folder)
}
