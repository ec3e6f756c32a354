//! Where events go: numbered lines for a program, or a live view for a person, and the run's own file for those who
//! come later. Everything is masked on its way.

use crate::mask::Masks;
use crate::view::View;
use jiff::Timestamp;
use run_report::{Envelope, Event, EventWriter, Failure};
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Tells the time; handed in, so that tests can.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Takes events from all components at once.
pub struct Reporter {
    outlets: Mutex<Outlets>,
    masks: Masks,
    clock: Clock,
    stop: CancellationToken,
}

struct Outlets {
    /// Counts the events, whoever hears them.
    seq: u64,
    sink: Sink,
    file: Option<EventWriter<File>>,
}

enum Sink {
    Lines(EventWriter<Box<dyn Write + Send>>),
    View(View),
}

impl Reporter {
    /// Events as JSON lines. When nobody takes them, the run is stopped.
    #[must_use]
    pub fn lines(
        out: Box<dyn Write + Send>,
        masks: Masks,
        clock: Clock,
        stop: CancellationToken,
    ) -> Self {
        Self::to(Sink::Lines(EventWriter::new(out)), masks, clock, stop)
    }

    /// Events as a live view on a terminal.
    #[must_use]
    pub fn view(masks: Masks, clock: Clock, stop: CancellationToken) -> Self {
        let view = View::on_stderr(clock.clone());
        Self::to(Sink::View(view), masks, clock, stop)
    }

    fn to(sink: Sink, masks: Masks, clock: Clock, stop: CancellationToken) -> Self {
        let outlets = Outlets {
            seq: 1,
            sink,
            file: None,
        };
        Self {
            outlets: Mutex::new(outlets),
            masks,
            clock,
            stop,
        }
    }

    /// Writes every event to this file as well. The file stays open, and locked, as long as the reporter.
    #[must_use]
    pub fn with_file(self, file: File) -> Self {
        self.outlets().file = Some(EventWriter::new(file));
        self
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Says that something happened.
    pub fn emit(&self, event: Event) {
        let event = self.masks.event(event);
        let mut outlets = self.outlets();
        let now = (self.clock)();
        // The file is for later; without it the run goes on.
        if let Some(file) = &mut outlets.file
            && let Err(error) = file.write(event.clone(), now)
        {
            tracing::warn!(%error, "the run's file cannot be written any more");
            outlets.file = None;
        }
        let seq = outlets.seq;
        outlets.seq += 1;
        match &mut outlets.sink {
            Sink::Lines(lines) => {
                if lines.write(event, now).is_err() {
                    self.stop.cancel();
                }
            }
            Sink::View(view) => view.show(&Envelope {
                seq,
                ts: now,
                event,
            }),
        }
    }

    /// The failure as it may be shown and recorded.
    #[must_use]
    pub fn masked(&self, failure: Failure) -> Failure {
        self.masks.failure(failure)
    }

    fn outlets(&self) -> std::sync::MutexGuard<'_, Outlets> {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
