//! What is found out about an HTTP/1 client's bytes outside of hyper, for those who carry the requests.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use crate::reason::Reason;

/// What the requests and the reader of one connection tell each other. All of them are one task.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// One more than the number of the reason why the next request is not carried; 0 for none.
    refusal: AtomicU8,
    /// How many fields the next head has, if that is more than hyper has room for; otherwise 0.
    fields: AtomicUsize,
    last: AtomicBool,
    upgraded: AtomicBool,
    ends_with_connection: AtomicBool,
}

impl Notes {
    pub(super) fn refuse(&self, reason: Option<Reason>) {
        self.refusal.store(reason.map_or(0, |reason| reason as u8 + 1), Ordering::Relaxed);
    }

    /// Why the request that has just begun is not carried.
    pub(crate) fn refusal(&self) -> Option<Reason> {
        let number = self.refusal.load(Ordering::Relaxed).checked_sub(1)?;
        Reason::ALL.get(usize::from(number)).copied()
    }

    pub(super) fn want_fields(&self, fields: usize) {
        self.fields.store(fields, Ordering::Relaxed);
    }

    pub(super) fn wants_more_fields(&self) -> bool {
        self.fields.load(Ordering::Relaxed) > 0
    }

    /// The room that is wanted, once.
    pub(super) fn take_wanted_fields(&self) -> Option<usize> {
        Some(self.fields.swap(0, Ordering::Relaxed)).filter(|fields| *fields > 0)
    }

    /// Where the request under way ends is not sure: none may follow it.
    pub(super) fn is_last(&self) {
        self.last.store(true, Ordering::Relaxed);
    }

    /// Whether the connection ends with the request under way.
    pub(crate) fn ends_after_this(&self) -> bool {
        self.last.load(Ordering::Relaxed)
    }

    /// Only the connection's end tells this client where its answer ends.
    pub(crate) fn end_with_connection(&self) {
        self.ends_with_connection.store(true, Ordering::Relaxed);
    }

    pub(super) fn ends_with_connection(&self) -> bool {
        self.ends_with_connection.load(Ordering::Relaxed)
    }

    /// From now on the client's bytes are another protocol's.
    pub(crate) fn upgrade(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_for_a_refusal_is_told_until_the_next_one() {
        let notes = Notes::default();
        assert_eq!(notes.refusal(), None);
        for reason in Reason::ALL {
            notes.refuse(Some(reason));
            assert_eq!(notes.refusal(), Some(reason));
        }
        notes.refuse(None);
        assert_eq!(notes.refusal(), None);
    }

    #[test]
    fn room_for_fields_is_wanted_once() {
        let notes = Notes::default();
        assert_eq!((notes.wants_more_fields(), notes.take_wanted_fields()), (false, None));
        notes.want_fields(120);
        assert_eq!((notes.wants_more_fields(), notes.take_wanted_fields()), (true, Some(120)));
        assert_eq!((notes.wants_more_fields(), notes.take_wanted_fields()), (false, None));
    }
}
