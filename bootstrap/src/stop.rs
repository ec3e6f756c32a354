//! The caller's wish to stop: a signal, or nobody reading what is said any more.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a run that was told twice: the first wish was not enough.
const STOPPED: i32 = 4;

/// Watches for signals. The first asks the run to stop in order; the second ends it, and the host's lease does the rest.
pub(crate) fn on_signals(stop: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(STOPPED);
            }
            tracing::warn!("asked to stop; ending the playbooks on the host");
            stop.cancel();
        }
    });
    Ok(())
}

/// Watches stdout, so that a reader's death is noticed even while nothing is said. A file has no reader to lose.
pub(crate) fn on_closed_stdout(stop: CancellationToken) -> io::Result<()> {
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    std::thread::Builder::new()
        .name("stdout-watch".to_owned())
        .spawn(move || {
            // Asking for nothing leaves what is always told: that the other end is closed.
            let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
            let closed = PollFlags::POLLERR | PollFlags::POLLHUP;
            loop {
                match poll(&mut watched, PollTimeout::NONE) {
                    Err(Errno::EINTR) => {}
                    Ok(_)
                        if watched[0]
                            .revents()
                            .is_some_and(|found| found.intersects(closed)) =>
                    {
                        tracing::warn!("nobody reads the events any more; stopping");
                        return stop.cancel();
                    }
                    Ok(_) | Err(_) => return,
                }
            }
        })?;
    Ok(())
}
