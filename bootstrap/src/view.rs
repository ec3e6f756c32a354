//! The live view on a terminal: the lines of [`Progress`], drawn over and over in their place.

use crate::progress::Progress;
use crate::reporter::Clock;
use console::{Term, truncate_str};
use run_report::Envelope;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

const REDRAW: Duration = Duration::from_millis(200);

/// Draws a run on stderr until it has ended.
pub(crate) struct View {
    screen: Arc<Mutex<Screen>>,
    clock: Clock,
}

struct Screen {
    term: Term,
    progress: Progress,
    drawn: usize,
    closed: bool,
}

impl View {
    pub(crate) fn on_stderr(clock: Clock) -> Self {
        let screen = Arc::new(Mutex::new(Screen {
            term: Term::stderr(),
            progress: Progress::default(),
            drawn: 0,
            closed: false,
        }));
        let (watched, time) = (Arc::downgrade(&screen), clock.clone());
        // Seconds pass also while nothing happens. The thread ends with the view.
        thread::spawn(move || {
            while let Some(screen) = watched.upgrade() {
                lock(&screen).draw(&time);
                drop(screen);
                thread::sleep(REDRAW);
            }
        });
        Self { screen, clock }
    }

    /// Takes an event; the last one closes the view.
    pub(crate) fn show(&mut self, envelope: &Envelope) {
        let mut screen = lock(&self.screen);
        screen.progress.take(envelope);
        if screen.progress.outcome().is_some() {
            screen.close(&self.clock);
        }
    }
}

impl Screen {
    fn draw(&mut self, clock: &Clock) {
        if self.closed {
            return;
        }
        let width = usize::from(self.term.size().1);
        let lines = self.progress.lines(clock());
        // A terminal that is gone has nothing to show to anybody.
        let _ = self.term.clear_last_lines(self.drawn);
        for line in &lines {
            let _ = self.term.write_line(&truncate_str(line, width, "…"));
        }
        self.drawn = lines.len();
    }

    fn close(&mut self, clock: &Clock) {
        self.draw(clock);
        self.closed = true;
        for failure in self.progress.failures() {
            let _ = self.term.write_line(&failure);
        }
    }
}

fn lock(screen: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}
