//! A connection's own end of what a guard counts: whatever it added to the tally goes away with it, also when its task
//! panics.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use segue_core::Time;

use crate::clock;
use crate::picture::add;
use crate::places::Place;
use crate::shared::Shared;
use crate::table::{Entry, Stand};

/// A connection's place in the table and its share of the tally.
pub(crate) struct Held {
    pub(crate) shared: Arc<Shared>,
    pub(crate) entry: Arc<Entry>,
    index: usize,
    place: Option<Place>,
    stand: Stand,
    in_flight: u32,
    /// A request has begun on it.
    asked: bool,
}

impl Held {
    pub(crate) fn enter(shared: Arc<Shared>, place: Place) -> Self {
        let entry = Arc::new(Entry::new(clock::now()));
        let index = shared.table.enter(entry.clone());
        add(&shared.tally.counting.connections);
        add(&shared.tally.connections);
        add(&shared.tally.kept);
        Self { shared, entry, index, place: Some(place), stand: Stand::Kept, in_flight: 0, asked: false }
    }

    pub(crate) fn stand(&self) -> Stand {
        self.stand
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Notes an application request that begins now.
    pub(crate) fn request(&self) {
        self.shared.tally.request(clock::now());
    }

    /// Notes how it stands and how many application requests it has in flight.
    pub(crate) fn stands(&mut self, stand: Stand, in_flight: u32) {
        if stand != self.stand {
            let now = clock::now();
            if self.stand == Stand::Kept {
                self.learn_gap(now);
            }
            self.entry.since.store(now.as_millis(), Ordering::Relaxed);
            self.entry.stand.store(stand as u8, Ordering::Relaxed);
            let before = std::mem::replace(&mut self.stand, stand);
            self.count(stand);
            self.uncount(before);
        }
        if in_flight != self.in_flight {
            let before = std::mem::replace(&mut self.in_flight, in_flight);
            self.shared.tally.in_flight(before, in_flight);
        }
    }

    /// What was taken for the beginning of its first request may be none.
    pub(crate) fn has_not_begun(&mut self) {
        self.stands(Stand::Kept, 0);
        self.asked = false;
    }

    /// A quarter of each new gap goes into the usual one. The first wait is no gap: there was no answer before it.
    fn learn_gap(&mut self, now: Time) {
        if !std::mem::replace(&mut self.asked, true) {
            return;
        }
        let gap = u64::try_from(now.since(self.entry.since()).as_millis()).unwrap_or(u64::MAX).max(1);
        let usual = match self.entry.usual_gap.load(Ordering::Relaxed) {
            0 => gap,
            usual => (usual.saturating_mul(3).saturating_add(gap)) / 4,
        };
        self.entry.usual_gap.store(usual, Ordering::Relaxed);
    }

    fn count(&mut self, stand: Stand) {
        let tally = &self.shared.tally;
        match stand {
            Stand::Kept => add(&tally.kept),
            Stand::Busy => {}
            Stand::Opaque => add(&tally.opaque),
            Stand::Closing => {
                if tally.closing.fetch_add(1, Ordering::Relaxed) < self.shared.places.closing_for_free() {
                    self.place = None;
                }
            }
        }
    }

    fn uncount(&self, stand: Stand) {
        let tally = &self.shared.tally;
        match stand {
            Stand::Kept => tally.less(&tally.kept),
            Stand::Busy => {}
            Stand::Opaque => tally.less(&tally.opaque),
            Stand::Closing => tally.less(&tally.closing),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let tally = &self.shared.tally;
        if std::thread::panicking() {
            add(&tally.counting.panics);
        }
        self.shared.table.leave(self.index);
        self.uncount(self.stand);
        tally.in_flight(self.in_flight, 0);
        tally.less(&tally.connections);
    }
}

#[cfg(test)]
mod tests;
