//! Writing events as lines and reading them back, with the numbering checked.

use crate::PROTOCOL_VERSION;
use crate::event::{Envelope, Event};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::io::{self, Write};

/// What is wrong with a stream of events. No variant quotes the line: it may hold what a task printed.
#[derive(Debug, thiserror::Error)]
pub enum EventStreamError {
    /// The line is not a JSON object with `v`, `seq`, `ts` and `event`.
    #[error("event {expected}: the line is not an event: {why}")]
    NotAnEvent {
        /// The number that should have come.
        expected: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The other side speaks another version.
    #[error(
        "event {expected}: protocol version {found}, this reader knows {PROTOCOL_VERSION}; use binaries of one release"
    )]
    Version {
        /// The number that should have come.
        expected: u64,
        /// The version that came.
        found: u64,
    },
    /// Lines were lost, doubled or swapped.
    #[error(
        "event {expected} should follow, event {found} came: the stream lost or repeated lines"
    )]
    Sequence {
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
}

/// One line of the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// An event this version knows.
    Known(Envelope),
    /// An event of a later release: counted, and to be passed over.
    Unknown {
        /// Its place in the stream.
        seq: u64,
        /// Its name.
        event: String,
    },
}

/// Reads lines in order. Unknown events and unknown fields are passed over, a wrong number never is.
#[derive(Debug)]
pub struct EventReader {
    next: u64,
}

impl Default for EventReader {
    fn default() -> Self {
        Self::from_seq(1)
    }
}

impl EventReader {
    /// A reader whose first line must carry `seq`, to go on where another one stopped.
    #[must_use]
    pub const fn from_seq(seq: u64) -> Self {
        Self { next: seq }
    }

    /// The number the next line must carry.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next
    }

    /// Reads one line.
    pub fn read(&mut self, line: &str) -> Result<Line, EventStreamError> {
        let expected = self.next;
        let wrong = |why: &str| EventStreamError::NotAnEvent {
            expected,
            why: why.to_owned(),
        };
        // Through a tree, not straight into the enum: serde's tagged enums cannot buffer numbers when a neighbour
        // crate turns on serde_json's arbitrary precision.
        let object: Map<String, Value> = serde_json::from_str(line)
            .map_err(|error| wrong(&format!("no JSON object (column {})", error.column())))?;

        let number = |key: &str| object.get(key).and_then(Value::as_u64);
        let version = number("v").ok_or_else(|| wrong("`v` is missing or not a number"))?;
        if version != u64::from(PROTOCOL_VERSION) {
            return Err(EventStreamError::Version {
                expected,
                found: version,
            });
        }
        let seq = number("seq").ok_or_else(|| wrong("`seq` is missing or not a number"))?;
        if seq != expected {
            return Err(EventStreamError::Sequence {
                expected,
                found: seq,
            });
        }
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let ts: Timestamp = text("ts")
            .and_then(|ts| ts.parse().ok())
            .ok_or_else(|| wrong("`ts` is missing or not an RFC 3339 time"))?;
        let name = text("event")
            .ok_or_else(|| wrong("`event` is missing or not a name"))?
            .to_owned();

        let line = if EVENT_NAMES.contains(&name.as_str()) {
            let event = serde_json::from_value(Value::Object(object)).map_err(|error| {
                wrong(&format!(
                    "`{name}`: {}",
                    crate::request::without_quoted(&error.to_string())
                ))
            })?;
            Line::Known(Envelope { seq, ts, event })
        } else {
            Line::Unknown { seq, event: name }
        };
        self.next += 1;
        Ok(line)
    }
}

/// The events of this version; anything else comes from a later one.
const EVENT_NAMES: [&str; 9] = [
    "run_started",
    "host_connected",
    "bundle_ready",
    "component_started",
    "play",
    "task_started",
    "task",
    "component_finished",
    "run_finished",
];

/// Writes numbered lines, each flushed, so that a reader sees what has happened and not what fitted a buffer.
#[derive(Debug)]
pub struct EventWriter<W> {
    out: W,
    next: u64,
}

impl<W: Write> EventWriter<W> {
    /// A writer whose first line carries 1.
    #[must_use]
    pub const fn new(out: W) -> Self {
        Self { out, next: 1 }
    }

    /// Writes `event` as having happened `now`; a line that could not be written keeps its number.
    pub fn write(&mut self, event: Event, now: Timestamp) -> io::Result<Envelope> {
        let envelope = Envelope {
            seq: self.next,
            ts: now,
            event,
        };
        let mut line = envelope.to_line();
        line.push('\n');
        self.out.write_all(line.as_bytes())?;
        self.out.flush()?;
        self.next += 1;
        Ok(envelope)
    }
}

impl Envelope {
    /// The event as one line of JSON, without the line end.
    #[must_use]
    pub fn to_line(&self) -> String {
        let head = serde_json::json!({
            "v": PROTOCOL_VERSION,
            "seq": self.seq,
            "ts": self.ts.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        });
        let mut object = serde_json::to_value(&self.event).unwrap_or_default();
        if let (Value::Object(all), Value::Object(head)) = (&mut object, head) {
            all.extend(head);
        }
        object.to_string()
    }
}

#[cfg(test)]
mod tests;
