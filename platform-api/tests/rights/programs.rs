//! The programs that tests start.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

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

/// Starts a program that ends with the test, and writes what it says into a file.
pub(crate) fn start(command: &mut Command, log: &std::path::Path) -> Child {
    let log = std::fs::File::create(log).expect("a log");
    command
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
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
