//! The state of an object that is being made or changed, kept safe from whatever happens to the operation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::value::Object;

/// The state known so far. If the operation fails, is stopped or panics, this is what Terraform stores.
///
/// A create that records nothing made nothing: no state is kept. Its first record starts from the planned state, in which
/// everything still unknown becomes null. Updates and deletes start from the prior state.
#[derive(Clone)]
pub struct PartialState(Arc<Mutex<Slot>>);

struct Slot {
    state: Object,
    recorded: bool,
}

impl PartialState {
    pub(crate) fn starting_from(state: Object) -> Self {
        let recorded = false;
        Self(Arc::new(Mutex::new(Slot { state, recorded })))
    }

    /// Records that something exists, with what is known of it now.
    pub fn record(&self, change: impl FnOnce(&mut Object)) {
        let mut slot = self.lock();
        change(&mut slot.state);
        slot.recorded = true;
    }

    /// Takes back what was recorded: the object turned out not to exist, or was removed again.
    pub fn forget(&self) {
        self.lock().recorded = false;
    }

    pub(crate) fn recorded(&self) -> Option<Object> {
        let slot = self.lock();
        slot.recorded.then(|| slot.state.clone())
    }

    /// A panic inside `record` leaves an object with some attributes set: still the best that is known.
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c25_what_was_recorded_survives_a_panic() {
        let partial = PartialState::starting_from(Object::new().with("name", "acme"));
        assert_eq!(partial.recorded(), None);
        partial.record(|state| {
            state.set("id", "1");
        });
        let clone = partial.clone();
        let crash = std::thread::spawn(move || clone.record(|_| panic!("mid-create"))).join();
        assert!(crash.is_err());
        let expected = Object::new().with("name", "acme").with("id", "1");
        assert_eq!(partial.recorded(), Some(expected));
        partial.forget();
        assert_eq!(partial.recorded(), None);
    }
}
