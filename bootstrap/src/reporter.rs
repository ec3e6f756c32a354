//! Where events go: numbered lines for a program, or a live view for a person. Everything is masked on its way.

use crate::mask::Masks;
use crate::view::View;
use jiff::Timestamp;
use run_report::{Event, EventWriter, Failure};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Tells the time; handed in, so that tests can.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Takes events from all components at once.
pub struct Reporter {
    sink: Mutex<Sink>,
    masks: Masks,
    clock: Clock,
    stop: CancellationToken,
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
        Self {
            sink: Mutex::new(Sink::Lines(EventWriter::new(out))),
            masks,
            clock,
            stop,
        }
    }

    /// Events as a live view on a terminal.
    #[must_use]
    pub fn view(masks: Masks, clock: Clock, stop: CancellationToken) -> Self {
        Self {
            sink: Mutex::new(Sink::View(View::new())),
            masks,
            clock,
            stop,
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Says that something happened.
    pub fn emit(&self, event: Event) {
        let event = self.masks.event(event);
        match &mut *self.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Lines(lines) => {
                if lines.write(event, (self.clock)()).is_err() {
                    self.stop.cancel();
                }
            }
            Sink::View(view) => view.show(&event),
        }
    }

    /// Says what a component is at; only a person wants to know.
    pub fn doing(&self, component: &str, task: &str) {
        if let Sink::View(view) = &mut *self.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            view.doing(component, &self.masks.apply(task));
        }
    }

    /// The failure as it may be shown and recorded.
    #[must_use]
    pub fn masked(&self, failure: Failure) -> Failure {
        self.masks.failure(failure)
    }
}
