//! The programs that tests start.

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A file of the engines' folder.
pub(crate) fn tool(name: &str) -> PathBuf {
    let folder = std::env::var_os("SLIPWAY_TOOLS")
        .expect("SLIPWAY_TOOLS names the folder that `cargo xtask tools` prints");
    let path = PathBuf::from(folder).join(name);
    assert!(
        path.exists(),
        "{} is missing: cargo xtask tools",
        path.display()
    );
    path
}

/// Waits until something holds. `story` tells what is there instead when it does not in time.
pub(crate) async fn until<T>(
    within: Duration,
    mut holds: impl AsyncFnMut() -> Option<T>,
    story: impl Fn() -> String,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(value) = holds().await {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "not within {within:?}: {}",
            story()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
