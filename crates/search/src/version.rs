//! Which of two states of an environment is the newer.

use jiff::Timestamp;

/// The number that the engine compares: a document replaces another of the same name only if its number is higher.
///
/// # Where it comes from
///
/// An environment is seen in two objects, its claim and its status. The store stamps each with the second in which it
/// was written (`Last-Modified`), and answers each read with its own clock (`Date`). ETags tell contents apart but have
/// no order, and a second is long enough for two writes. So an object counts
///
/// - `2 × second of Last-Modified`, and
/// - one more if it was read after that second had passed by the store's own clock: then no later write can carry the
///   same second, and what was read is the last word of that second.
///
/// The version of an environment is the sum over its objects; an object that does not exist yet counts nothing.
///
/// # Why every order ends the same
///
/// Each object's count never falls as the object moves on, so the sum never falls either, and it rises strictly from
/// every earlier state to the last one *as it is read once its second has passed*. The engine keeps the highest. Hence,
/// as soon as one writer has sent that last reading, it is what stands in the index, whatever was sent before, arrives
/// after, or is sent twice. Whoever follows the store must therefore look once more at what it read too early
/// ([`Sighting::settled`]); a sweep every few seconds does.
///
/// # What it rests on
///
/// The store's clock does not run backwards. If it is set back, newer states can lose until the clock has caught up;
/// [`Index::rebuild`](crate::Index::rebuild) starts a new index without memory of versions and mends it at once.
/// A removed object counts with the time of its delete marker, not as one that does not exist yet.
///
/// # Without the store's stamps
///
/// Who follows the store by ETags counts by itself ([`Version::counted`]): one more for every state that it sees, and at
/// least the second of its own clock. Of one such writer, the last state that it saw has its highest number; so of
/// several, whoever has the highest number of all ends with the state that all of them end with. That needs every
/// writer to go on until it has seen the last state. One that stops before, with a clock ahead of the others', leaves
/// what it saw until its number is reached or the index is rebuilt, as each writer does when it starts. The two ways of
/// counting do not mix in one index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

/// One object of the store as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When the store says it was written (`Last-Modified`, of the object or of its delete marker).
    pub modified: Timestamp,
    /// When the store says it answered (`Date`).
    pub answered: Timestamp,
}

impl Sighting {
    /// Whether no later write can carry the same second. What is not settled must be looked at again.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.answered.as_second() > self.modified.as_second()
    }

    fn count(&self) -> u64 {
        let second = u64::try_from(self.modified.as_second()).unwrap_or(0);
        2 * second + u64::from(self.settled())
    }
}

impl Version {
    /// The version of an environment that was seen in these objects.
    #[must_use]
    pub fn of(objects: impl IntoIterator<Item = Sighting>) -> Self {
        Self(objects.into_iter().map(|object| object.count()).sum())
    }

    /// The version after `before` of a writer that counts by itself.
    #[must_use]
    pub fn counted(before: Option<Self>, now: Timestamp) -> Self {
        let now = u64::try_from(now.as_second()).unwrap_or(0);
        Self(before.map_or(now, |before| now.max(before.0 + 1)))
    }

    /// The number, as the engine takes it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn seen(modified: &str, answered: &str) -> Sighting {
        Sighting {
            modified: at(modified),
            answered: at(answered),
        }
    }

    #[test]
    fn the_last_word_of_a_second_beats_what_was_read_within_it() {
        let early = Version::of([seen("2026-05-01T12:00:00Z", "2026-05-01T12:00:00Z")]);
        let last = Version::of([seen("2026-05-01T12:00:00Z", "2026-05-01T12:00:01Z")]);
        let next = Version::of([seen("2026-05-01T12:00:01Z", "2026-05-01T12:00:01Z")]);
        assert!(early < last && last < next, "{early:?} {last:?} {next:?}");
    }

    #[test]
    fn fractions_of_a_second_count_nothing_because_not_every_answer_has_them() {
        let listed = Version::of([seen("2026-05-01T12:00:00.9Z", "2026-05-01T12:00:07Z")]);
        let headed = Version::of([seen("2026-05-01T12:00:00Z", "2026-05-01T12:00:07Z")]);
        assert_eq!(listed, headed);
    }

    #[test]
    fn a_step_of_either_object_is_a_step_of_the_environment() {
        let claim = seen("2026-05-01T12:00:00Z", "2026-05-02T12:00:00Z");
        let status = seen("2026-05-01T12:00:05Z", "2026-05-02T12:00:00Z");
        let later = seen("2026-05-01T12:00:06Z", "2026-05-02T12:00:00Z");
        assert!(Version::of([claim]) < Version::of([claim, status]));
        assert!(Version::of([claim, status]) < Version::of([claim, later]));
        assert!(Version::of([claim, status]) < Version::of([later, status]));
    }
}
