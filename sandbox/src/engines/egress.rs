//! Where the calls go that an API server makes by itself: webhooks, aggregated APIs, `logs` and `exec`.
//!
//! Most of them go to pods, and the pods here are fake; a call to a cluster address would even leave the machine. So all
//! of them arrive on a socket of ours: what names a loopback address is let through, everything else fails at once.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_util::task::AbortOnDropHandle;

const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
/// What the caller reads in the API server's error.
const REFUSAL: &[u8] =
    b"HTTP/1.1 502 stand-in: pods of the sandbox run nothing, so nobody answers there\r\nContent-Length: 0\r\n\r\n";
/// The line that ends a request's head.
const END: &str = "\r\n";

/// Where a cluster's socket lies.
pub(crate) fn socket(folder: &Path) -> PathBuf {
    folder.join("egress.sock")
}

/// Answers every call until the handle is dropped. Calls to a node's kubelet go to `kubelets`, which plays all of them.
pub(crate) fn serve(folder: &Path, kubelets: SocketAddr) -> Result<AbortOnDropHandle<()>> {
    let path = socket(folder);
    let listener = UnixListener::bind(&path).with_context(|| {
        format!(
            "SLW-953: no socket {}: a sandbox's folder must have a short path",
            path.display()
        )
    })?;
    let server = async move {
        while let Ok((call, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Err(error) = answer(call, kubelets).await {
                    tracing::debug!(%error, "a call of the API server ended early");
                }
            });
        }
    };
    Ok(AbortOnDropHandle::new(tokio::spawn(server)))
}

async fn answer(call: UnixStream, kubelets: SocketAddr) -> std::io::Result<()> {
    let mut call = BufReader::new(call);
    let mut request = String::new();
    call.read_line(&mut request).await?;
    // The head is read to its end, else the answer might be lost with the connection.
    let mut line = String::new();
    while line != END {
        line.clear();
        if call.read_line(&mut line).await? == 0 {
            return Ok(());
        }
    }
    if let Some(target) = target(&request, kubelets)
        && let Ok(mut target) = TcpStream::connect(target).await
    {
        call.write_all(OPEN).await?;
        copy_bidirectional(&mut call, &mut target).await?;
        return Ok(());
    }
    call.write_all(REFUSAL).await?;
    call.shutdown().await
}

/// The address that a `CONNECT` request leads to, when it does not leave the machine. Nodes are called by names that
/// nobody resolves, so a kubelet is known by its port.
fn target(request: &str, kubelets: SocketAddr) -> Option<SocketAddr> {
    let named = request.strip_prefix("CONNECT ")?.split(' ').next()?;
    let (_, port) = named.rsplit_once(':')?;
    if port.parse() == Ok(kubelets.port()) {
        return Some(kubelets);
    }
    let address: SocketAddr = named.parse().ok()?;
    address.ip().is_loopback().then_some(address)
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn only_loopback_and_the_played_kubelets_are_let_through() {
        let kubelets = "127.65.0.1:10250".parse().unwrap();
        let loopback = |request| target(request, kubelets);
        assert_eq!(
            loopback("CONNECT node-1:10250 HTTP/1.1\r\n"),
            Some(kubelets)
        );
        assert!(loopback("CONNECT 127.0.0.1:8443 HTTP/1.1\r\n").is_some());
        assert!(loopback("CONNECT [::1]:8443 HTTP/1.1\r\n").is_some());
        assert!(loopback("CONNECT 10.96.0.7:443 HTTP/1.1\r\n").is_none());
        assert!(loopback("CONNECT webhook.example:443 HTTP/1.1\r\n").is_none());
        assert!(loopback("GET / HTTP/1.1\r\n").is_none());
    }
}
