//! The timeline in as many columns as can be told apart, each with enough requests to have a rate.

use std::time::Duration;

use crate::timeline::{Slot, Timeline};

/// More columns than this are no clearer.
const MOST: usize = 220;

/// Fewer requests than this make a rate jump by whole numbers.
const ENOUGH: u64 = 20;

/// The picture should still have this many.
const LEAST: usize = 24;

/// The columns of a picture.
pub(super) struct Columns {
    pub(super) width: Duration,
    pub(super) slots: Vec<Slot>,
    end: Duration,
}

impl Columns {
    pub(super) fn of(timeline: &Timeline) -> Self {
        let mut width = timeline.width;
        let mut slots = timeline.slots.clone();
        let requests: u64 = slots.iter().map(Slot::requests).sum();
        while slots.len() > MOST || (slots.len() / 2 >= LEAST && requests / (slots.len() as u64) < ENOUGH) {
            slots = slots.chunks(2).map(Slot::sum).collect();
            width *= 2;
        }
        // The last request stands for the time up to the next one, which was not planned any more.
        let interval = timeline.end() / u32::try_from(requests.saturating_sub(1).max(1)).unwrap_or(u32::MAX);
        Self { width, slots, end: timeline.end() + interval }
    }

    /// When the last request was planned.
    pub(super) fn end(&self) -> Duration {
        self.end
    }

    /// When a column begins, and how long it is; the last ends with the sending.
    pub(super) fn reach(&self, index: usize) -> (Duration, Duration) {
        let from = self.width * u32::try_from(index).unwrap_or(u32::MAX);
        (from, self.end.saturating_sub(from).min(self.width))
    }

    /// Whether so much of a column was sent in that its rate means something.
    pub(super) fn counts(&self, index: usize) -> bool {
        self.reach(index).1 > self.width / 3
    }
}
