//! When an upgraded connection that is to end is told so: in a moment in which nobody speaks, and if none comes, at
//! last in any.
//!
//! Times are arguments, in the unit of [`crate::clock`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::clock;

/// How long a close waits for a moment of silence, and then again for the server's answer to what the client said last.
const ANSWER_MS: u64 = 1000;

/// How long neither side says anything in such a moment. The coarse clock makes it 50 ms at the least.
const SILENCE_MS: u64 = 3 * clock::TICK_MS / 2;

/// Who spoke last, and when; both directions of one connection write it down. All of them are one task.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    /// When either side said something last.
    heard: AtomicU64,
    /// Since when it is to end, 0 if it is not.
    due: AtomicU64,
    /// Whether the client said something that the server has not answered.
    unanswered: AtomicBool,
}

impl Silence {
    pub(crate) fn client_spoke(&self, now: u64) {
        self.heard.store(now, Ordering::Relaxed);
        self.unanswered.store(true, Ordering::Relaxed);
    }

    pub(crate) fn server_spoke(&self, now: u64) {
        self.heard.store(now, Ordering::Relaxed);
        self.unanswered.store(false, Ordering::Relaxed);
    }

    /// It is to end; what counts is when that was said first.
    pub(crate) fn is_wanted(&self, now: u64) {
        let _ = self.due.compare_exchange(0, now.max(1), Ordering::Relaxed, Ordering::Relaxed);
    }

    fn due_for(&self, now: u64) -> u64 {
        now.saturating_sub(self.due.load(Ordering::Relaxed))
    }

    /// It was waited for long enough, whatever is said.
    pub(crate) fn is_overdue(&self, now: u64) -> bool {
        self.due_for(now) > 2 * ANSWER_MS
    }

    /// Nothing of the client's is unanswered, and neither side is about to say more, as far as can be told.
    pub(crate) fn is_here(&self, now: u64) -> bool {
        let silent_for = now.saturating_sub(self.heard.load(Ordering::Relaxed));
        !self.unanswered.load(Ordering::Relaxed) && (silent_for > SILENCE_MS || self.due_for(now) > ANSWER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_waited_for_and_then_an_answer_and_then_nothing() {
        // At each time: is it silent, and is it too late to wait?
        let times = |silence: &Silence, times: &[u64]| {
            let each = times.iter().map(|now| (silence.is_here(*now), silence.is_overdue(*now)));
            each.collect::<Vec<_>>()
        };
        let (no, here, overdue) = ((false, false), (true, false), (false, true));
        let silence = Silence::default();
        silence.is_wanted(1000);
        silence.server_spoke(1500);
        assert_eq!(times(&silence, &[1575, 1576]), [no, here]);
        silence.client_spoke(1600);
        assert_eq!(times(&silence, &[1700, 2001, 3000, 3001]), [no, no, no, overdue]);
        silence.server_spoke(1999);
        silence.is_wanted(1900);
        assert_eq!(times(&silence, &[2000, 2001, 3001]), [no, here, (true, true)]);
    }

    #[test]
    fn an_end_that_is_wanted_at_the_first_moment_is_wanted_since_then() {
        let silence = Silence::default();
        silence.is_wanted(0);
        silence.is_wanted(500);
        assert!(silence.is_overdue(2002) && !silence.is_overdue(2001));
    }
}
