//! The live view on a terminal: the lines of [`Progress`], drawn over and over in their place.

use crate::progress::Progress;
use crate::reporter::Clock;
use console::{Term, truncate_str};
use run_report::Envelope;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How soon an event is seen.
const FRAME: Duration = Duration::from_millis(40);
/// How often the passing seconds are, while nothing happens.
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
    /// When, unless something has changed since.
    drawn_at: Option<Instant>,
    closed: bool,
}

impl View {
    pub(crate) fn on_stderr(clock: Clock) -> Self {
        let screen = Arc::new(Mutex::new(Screen {
            term: Term::stderr(),
            progress: Progress::default(),
            drawn: 0,
            drawn_at: None,
            closed: false,
        }));
        let (watched, time) = (Arc::downgrade(&screen), clock.clone());
        // Seconds pass also while nothing happens. The thread ends with the view.
        thread::spawn(move || {
            while let Some(screen) = watched.upgrade() {
                lock(&screen).refresh(&time);
                drop(screen);
                thread::sleep(FRAME);
            }
        });
        Self { screen, clock }
    }

    /// Takes an event; the last one closes the view.
    pub(crate) fn show(&mut self, envelope: &Envelope) {
        let mut screen = lock(&self.screen);
        screen.progress.take(envelope);
        screen.drawn_at = None;
        if screen.progress.outcome().is_some() {
            screen.close(&self.clock);
        }
    }
}

impl Screen {
    /// Draws what has changed, and the time if nothing has.
    fn refresh(&mut self, clock: &Clock) {
        if self.drawn_at.is_none_or(|at| at.elapsed() >= REDRAW) {
            self.draw(clock);
        }
    }

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
        self.drawn_at = Some(Instant::now());
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
