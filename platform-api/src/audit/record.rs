//! One line of the log.

use super::chain::{Hash, Head};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// No field of a record is longer than this many bytes, whatever a client sends.
const LONGEST_FIELD: usize = 512;
/// What stands between a record's contents and its hash.
const BEFORE_HASH: &str = ",\"hash\":\"";
/// What stands after the hash.
const AFTER_HASH: &str = "\"}";

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The request's id, as the client was told it.
    pub request: String,
    /// Who asked, as the policies name them (`User::"ada"`).
    pub principal: String,
    /// What was asked for (`Action::"create"`).
    pub action: String,
    /// Of what (`Environment::"shop"`).
    pub resource: String,
    /// What the policies said.
    pub decision: Decision,
    /// The id of the write in the store, if the request writes; see [`crate::idempotency`].
    pub operation: Option<Uuid>,
    /// What came of it.
    pub outcome: Outcome,
    /// The claim's state before.
    pub etag_before: Option<String>,
    /// The claim's state after.
    pub etag_after: Option<String>,
}

/// What the policies said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Whether it was allowed.
    pub allowed: bool,
    /// The policies that decided.
    pub policies: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// It was allowed and goes to the store now.
    Begun,
    /// The client was answered.
    Answered {
        /// The number of the record that said it began, if there is one.
        begun: Option<u64>,
        /// The HTTP status.
        status: u16,
        /// The code of the error, if it is one.
        code: Option<String>,
    },
}

/// A process began to write the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Bytes of a record that the process before could not finish; nobody was answered on their strength.
    pub torn_bytes: usize,
    /// Their hash, if there are any.
    pub torn_hash: Option<Hash>,
    /// The records of writes that began and were not answered: look what stands in the store.
    pub interrupted: Vec<u64>,
}

/// A record without its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) seq: u64,
    pub(super) time: Timestamp,
    pub(super) what: What,
    pub(super) previous: Hash,
}

/// The two kinds of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    Request(Event),
    Start(Start),
}

impl Event {
    /// The event with every field at a bearable length.
    pub(super) fn clipped(mut self) -> Self {
        let fields = [
            &mut self.request,
            &mut self.principal,
            &mut self.action,
            &mut self.resource,
        ];
        for field in fields
            .into_iter()
            .chain(&mut self.decision.policies)
            .chain(&mut self.etag_before)
            .chain(&mut self.etag_after)
        {
            clip(field);
        }
        self
    }
}

fn clip(field: &mut String) {
    if field.len() > LONGEST_FIELD {
        field.truncate(field.floor_char_boundary(LONGEST_FIELD));
        field.push('…');
    }
}

impl Record {
    /// The line of the record, with its end of line, and the head that it makes.
    pub(super) fn to_line(&self) -> Result<(String, Head), serde_json::Error> {
        let mut line = serde_json::to_string(self)?;
        line.pop();
        let hash = Hash::of(line.as_bytes());
        line.push_str(BEFORE_HASH);
        line.push_str(hash.as_str());
        line.push_str(AFTER_HASH);
        line.push('\n');
        let head = Head {
            seq: self.seq,
            hash,
        };
        Ok((line, head))
    }

    /// Reads a line without its end; `Err` says what is wrong with it.
    pub(super) fn read(line: &[u8]) -> Result<(Self, Hash), Unreadable> {
        let tail = BEFORE_HASH.len() + 64 + AFTER_HASH.len();
        let (body, end) = line
            .len()
            .checked_sub(tail)
            .and_then(|at| line.split_at_checked(at))
            .ok_or(Unreadable::NotARecord)?;
        let hash = std::str::from_utf8(end)
            .ok()
            .and_then(|end| end.strip_prefix(BEFORE_HASH)?.strip_suffix(AFTER_HASH))
            .and_then(Hash::read)
            .ok_or(Unreadable::NotARecord)?;
        if Hash::of(body) != hash {
            return Err(Unreadable::Edited);
        }
        let mut whole = body.to_vec();
        whole.push(b'}');
        let record = serde_json::from_slice(&whole).map_err(|_| Unreadable::NotARecord)?;
        Ok((record, hash))
    }
}

/// Why a line is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    NotARecord,
    Edited,
}
