//! `follow`: a run seen from another terminal, from its first event on.
//!
//! A run of this machine writes its masked events to a file of its own, so its host, host key and login key are of no
//! concern here. A run of another machine is seen through the journal in the platform's cluster.

use crate::arguments::FollowArguments;
use crate::commands::{refuse, say, status};
use crate::progress::sentence;
use crate::reporter::Clock;
use crate::run_files::{self, RunFiles};
use crate::tail::Tail;
use crate::view::View;
use jiff::Timestamp;
use run_report::{Envelope, Event, EventReader, Line, Outcome};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Follows to the end of the run; its outcome is the exit code.
pub(crate) async fn run(arguments: FollowArguments) -> ExitCode {
    let FollowArguments { run, access, json } = arguments;
    let file = RunFiles::of_user().and_then(|files| files.find(run.as_deref()));
    let Some(file) = file else {
        if access.kubeconfig.is_some() && !json {
            return status::watch(&access, run.as_deref()).await;
        }
        return refuse(
            "SLW-305",
            run.map_or("no run of this machine is known".to_owned(), |run| {
                format!("no run of this machine has an id that begins with {run}")
            }),
            "Start one, or name the platform's cluster with --kubeconfig to see a run of another machine (without --json).",
        );
    };
    match to_end(&file, &mut Audience::new(json)) {
        Ok(Some(outcome)) => ExitCode::from(outcome.exit_code()),
        Ok(None) => refuse(
            "SLW-306",
            format!(
                "the run of {} ended without a word: its process was killed",
                file.display()
            ),
            "Run again: what it had started on the host is taken over or started anew.",
        ),
        Err(error) => refuse(
            "SLW-305",
            format!("{} cannot be read: {error}", file.display()),
            "Name another run.",
        ),
    }
}

/// Who is told, and how.
enum Audience {
    Program,
    Terminal(View),
    Lines,
}

impl Audience {
    fn new(json: bool) -> Self {
        let clock: Clock = Arc::new(Timestamp::now);
        match (
            json,
            io::stderr().is_terminal() && io::stdout().is_terminal(),
        ) {
            (true, _) => Self::Program,
            (false, true) => Self::Terminal(View::on_stderr(clock)),
            (false, false) => Self::Lines,
        }
    }

    fn tell(&mut self, line: &str, envelope: &Envelope) {
        match self {
            Self::Program => say(line),
            Self::Terminal(view) => view.show(envelope),
            Self::Lines => {
                if let Some(sentence) = sentence(&envelope.event) {
                    say(&format!("{}  {sentence}", envelope.ts.strftime("%H:%M:%S")));
                }
            }
        }
    }
}

/// Reads a run's file until the run has ended; nothing if it was killed.
fn to_end(path: &Path, audience: &mut Audience) -> io::Result<Option<Outcome>> {
    let mut file = File::open(path)?;
    let (mut tail, mut reader) = (Tail::default(), EventReader::default());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // Asked before reading, so that nothing can be written between the last read and the end.
        let going_on = run_files::is_going_on(path);
        let count = file.read(&mut buffer)?;
        for line in tail.push(&buffer[..count]) {
            let read = reader.read(&line).map_err(io::Error::other)?;
            let Line::Known(envelope) = read else {
                continue;
            };
            audience.tell(&line, &envelope);
            if let Event::RunFinished { outcome, .. } = envelope.event {
                return Ok(Some(outcome));
            }
        }
        match (count, going_on) {
            (0, false) => return Ok(None),
            (0, true) => std::thread::sleep(LOOK_EVERY),
            _ => {}
        }
    }
}
