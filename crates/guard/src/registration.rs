//! A connection's own end of what a guard counts: whatever it added to the numbers goes away with it, also when its task
//! panics.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use segue_core::Time;

use crate::clock;
use crate::places::Place;
use crate::shared::Shared;
use crate::snapshot::add;
use crate::table::{ConnectionState, Entry};

/// A connection's place in the table and its share of the numbers.
pub(crate) struct Registration {
    pub(crate) shared: Arc<Shared>,
    pub(crate) entry: Arc<Entry>,
    index: usize,
    place: Option<Place>,
    state: ConnectionState,
    in_flight: u32,
    /// A request has begun on it.
    asked: bool,
}

impl Registration {
    pub(crate) fn enter(shared: Arc<Shared>, place: Place) -> Self {
        let entry = Arc::new(Entry::new(clock::now()));
        let index = shared.table.enter(entry.clone());
        add(&shared.metrics.counters.connections);
        add(&shared.metrics.connections);
        add(&shared.metrics.kept);
        Self {
            shared,
            entry,
            index,
            place: Some(place),
            state: ConnectionState::Kept,
            in_flight: 0,
            asked: false,
        }
    }

    pub(crate) fn state(&self) -> ConnectionState {
        self.state
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Notes an application request that begins now.
    pub(crate) fn request(&self) {
        self.shared.metrics.request(clock::now());
    }

    /// Notes its state and how many application requests it has in flight.
    pub(crate) fn update(&mut self, state: ConnectionState, in_flight: u32) {
        if state != self.state {
            let now = clock::now();
            if self.state == ConnectionState::Kept {
                self.learn_gap(now);
            }
            self.entry.since.store(now.as_millis(), Ordering::Relaxed);
            self.entry.state.store(state as u8, Ordering::Relaxed);
            let before = std::mem::replace(&mut self.state, state);
            self.count(state);
            self.uncount(before);
        }
        if in_flight != self.in_flight {
            let before = std::mem::replace(&mut self.in_flight, in_flight);
            self.shared.metrics.in_flight(before, in_flight);
        }
    }

    /// What was taken for the beginning of its first request may be none.
    pub(crate) fn has_not_begun(&mut self) {
        self.update(ConnectionState::Kept, 0);
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

    fn count(&mut self, state: ConnectionState) {
        let metrics = &self.shared.metrics;
        match state {
            ConnectionState::Kept => add(&metrics.kept),
            ConnectionState::Busy => {}
            ConnectionState::Opaque => add(&metrics.opaque),
            ConnectionState::Closing => {
                if metrics.closing.fetch_add(1, Ordering::Relaxed) < self.shared.places.closing_for_free() {
                    self.place = None;
                }
            }
        }
    }

    fn uncount(&self, state: ConnectionState) {
        let metrics = &self.shared.metrics;
        match state {
            ConnectionState::Kept => metrics.less(&metrics.kept),
            ConnectionState::Busy => {}
            ConnectionState::Opaque => metrics.less(&metrics.opaque),
            ConnectionState::Closing => metrics.less(&metrics.closing),
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let metrics = &self.shared.metrics;
        if std::thread::panicking() {
            add(&metrics.counters.panics);
        }
        self.shared.table.leave(self.index);
        self.uncount(self.state);
        metrics.in_flight(self.in_flight, 0);
        metrics.less(&metrics.connections);
    }
}

#[cfg(test)]
mod tests;
