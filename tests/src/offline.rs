//! A place where nothing but loopback exists: every other address is refused by the kernel.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Set inside of the name space.
const INSIDE: &str = "SLIPWAY_TEST_WITHOUT_NETWORK";
/// An address of the outside that nobody has: it is for documentation.
const OUTSIDE: ([u8; 4], u16) = ([203, 0, 113, 1], 443);

/// Runs the body of a test in a network name space of its own. `test` is the test's full name: the program of the tests is
/// started once more for it alone.
pub fn without_network(test: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        nothing_but_loopback()?;
        return body();
    }
    let output = Command::new("unshare")
        .args(["--net", "--fork", "--kill-child", "sh", "-c"])
        .args(["ip link set lo up && exec \"$@\"", "sh"])
        .arg(std::env::current_exe()?)
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .context("unshare and ip are needed: the packages util-linux and iproute2")?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    ensure!(output.status.success(), "inside of the name space:\n{said}");
    ensure!(said.contains("1 passed"), "it did not run there:\n{said}");
    Ok(())
}

/// Proves that the rest of the test says what it is meant to say.
fn nothing_but_loopback() -> Result<()> {
    let devices = std::fs::read_to_string("/proc/net/dev")?;
    let names: Vec<&str> = devices
        .lines()
        .skip(2)
        .filter_map(|line| Some(line.split_once(':')?.0.trim()))
        .collect();
    ensure!(names == ["lo"], "network devices: {names:?}");
    match TcpStream::connect_timeout(&SocketAddr::from(OUTSIDE), Duration::from_secs(1)) {
        Err(error) if error.kind() == ErrorKind::NetworkUnreachable => Ok(()),
        other => bail!("the outside answers: {other:?}"),
    }
}
