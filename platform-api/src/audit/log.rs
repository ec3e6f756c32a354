//! Writing the log.

use super::chain::Head;
use super::error::AuditError;
use super::files::{self, disk};
use super::record::{Event, Record, What};
use super::recover::{Recovered, recover};
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the disk; more of them wait for a place.
const QUEUE: usize = 1024;
/// Records that share one `fsync`.
const BATCH: usize = 256;

/// Where the log is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its folder; one process writes there.
    pub directory: PathBuf,
    /// A file that has grown beyond this many bytes is followed by a new one.
    pub rotate_at: u64,
}

/// The log. Cheap to clone; the last clone that goes waits until the disk has everything.
#[derive(Clone, Debug)]
pub struct Log {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    head: Arc<ArcSwap<Head>>,
    queue: Option<mpsc::Sender<Order>>,
    writer: Option<JoinHandle<()>>,
}

/// A record to be written, and who waits for it.
struct Order {
    at: Timestamp,
    event: Event,
    done: oneshot::Sender<Result<Head, AuditError>>,
}

impl Log {
    /// Opens the log or begins it, and records the start of this process: what was torn, and which writes were
    /// interrupted. Refuses a log whose newest two files are not whole.
    pub fn open(settings: &Settings, now: Timestamp) -> Result<Self, AuditError> {
        let lock = files::lock(&settings.directory)?;
        let Recovered {
            path,
            file,
            length,
            head,
            start,
        } = recover(&settings.directory)?;
        if start.torn_bytes > 0 || !start.interrupted.is_empty() {
            tracing::warn!(
                torn_bytes = start.torn_bytes,
                interrupted = ?start.interrupted,
                "the process before was killed while it worked"
            );
        }
        let shown = Arc::new(ArcSwap::from_pointee(head.clone()));
        let mut pen = Pen {
            settings: settings.clone(),
            path,
            file,
            length,
            head,
            stopped: false,
            shown: Arc::clone(&shown),
            _lock: lock,
        };
        pen.write([(now, What::Start(start))])?;
        let (queue, orders) = mpsc::channel(QUEUE);
        let writer = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || pen.serve(orders))
            .map_err(|error| disk(&settings.directory, "served", &error))?;
        Ok(Self {
            shared: Arc::new(Shared {
                head: shown,
                queue: Some(queue),
                writer: Some(writer),
            }),
        })
    }

    /// Writes a record and waits until the disk has it. The anchor is the client's receipt.
    pub async fn append(&self, at: Timestamp, event: Event) -> Result<Head, AuditError> {
        let (done, written) = oneshot::channel();
        let order = Order {
            at,
            event: event.clipped(),
            done,
        };
        let queue = self.shared.queue.as_ref().ok_or(AuditError::Stopped)?;
        queue.send(order).await.map_err(|_| AuditError::Stopped)?;
        written.await.map_err(|_| AuditError::Stopped)?
    }

    /// The newest record.
    #[must_use]
    pub fn head(&self) -> Arc<Head> {
        self.shared.head.load_full()
    }

    /// Whether it takes records: `false` since the disk failed to keep one.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.shared
            .queue
            .as_ref()
            .is_some_and(|queue| !queue.is_closed())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing left to wait for.
            let _ = writer.join();
        }
    }
}

/// The one thread that writes.
struct Pen {
    settings: Settings,
    path: PathBuf,
    file: File,
    length: u64,
    head: Head,
    stopped: bool,
    shown: Arc<ArcSwap<Head>>,
    _lock: File,
}

impl Pen {
    /// Writes what comes until nobody can send any more, or the disk cannot be trusted any more.
    fn serve(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(first) = orders.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(next) = orders.try_recv()
            {
                batch.push(next);
            }
            self.write_batch(batch);
            if self.stopped {
                // Whoever waits gets an error when the queue goes.
                return;
            }
        }
    }

    fn write_batch(&mut self, batch: Vec<Order>) {
        let (records, waiting): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|order| ((order.at, What::Request(order.event)), order.done))
            .unzip();
        match self.write(records) {
            Ok(heads) => {
                for (done, head) in waiting.into_iter().zip(heads) {
                    // A client that went away does not need its receipt.
                    let _ = done.send(Ok(head));
                }
            }
            Err(error) => {
                tracing::error!(%error, "records were not written");
                let why = error.to_string();
                for done in waiting {
                    let _ = done.send(Err(AuditError::Disk {
                        path: self.path.clone(),
                        action: "written",
                        why: why.clone(),
                    }));
                }
            }
        }
    }

    /// Writes records with one `fsync`: all of them, or none.
    fn write(
        &mut self,
        records: impl IntoIterator<Item = (Timestamp, What)>,
    ) -> Result<Vec<Head>, AuditError> {
        self.rotate()?;
        let mut text = String::new();
        let mut heads = Vec::new();
        let mut head = self.head.clone();
        for (time, what) in records {
            let record = Record {
                seq: head.seq + 1,
                time,
                what,
                previous: head.hash,
            };
            let (line, next) = record.to_line()?;
            text.push_str(&line);
            head = next.clone();
            heads.push(next);
        }
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            // A full disk may have space again later, if the half record goes.
            self.stopped = self.file.set_len(self.length).is_err();
            return Err(disk(&self.path, "written", &error));
        }
        if let Err(error) = self.file.sync_data() {
            // After a failed sync nobody knows what the disk holds, and a second one may say it is well.
            self.stopped = true;
            return Err(disk(&self.path, "kept", &error));
        }
        self.length += text.len() as u64;
        self.head = head.clone();
        self.shown.store(Arc::new(head));
        Ok(heads)
    }

    fn rotate(&mut self) -> Result<(), AuditError> {
        if self.length <= self.settings.rotate_at {
            return Ok(());
        }
        let (path, file) = files::create(&self.settings.directory, self.head.seq + 1)?;
        tracing::info!(head = %self.head, "the audit log goes on in a new file");
        (self.path, self.file, self.length) = (path, file, 0);
        Ok(())
    }
}
