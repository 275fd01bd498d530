//! The connections that a guard carries: who is idle since when, and how one of them is given an order.
//!
//! A connection belongs to its task alone. What others may see and ask of it lies in its [`Entry`]; [`Held`] is the
//! task's end of it, and whatever the connection added to the tally goes away with it, also when the task panics.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use segue_core::Time;

use crate::clock;
use crate::limits::Place;
use crate::picture::add;
use crate::shared::Shared;

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stand {
    /// Nothing in flight, and another request may come.
    Kept,
    /// Something is in flight.
    Busy,
    /// Nothing is known of it.
    Opaque,
    /// The client knows that it is to close.
    Closing,
}

impl Stand {
    /// How a connection with so many requests under way stands.
    pub(crate) const fn with(under_way: u32) -> Self {
        if under_way > 0 { Self::Busy } else { Self::Kept }
    }
}

/// What a connection is asked to do; the later ones outdo the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Order {
    /// Go on.
    None,
    /// Close if idle: a drain wants it.
    CloseIdle,
    /// Close if idle: another needs the room.
    MakeRoom,
    /// End now.
    Cut,
}

/// What others see of a connection.
#[derive(Debug)]
pub(crate) struct Entry {
    stand: AtomicU8,
    order: AtomicU8,
    /// Since when it stands so, in milliseconds.
    since: AtomicU64,
    /// How long it usually is from an answer to the next request, in milliseconds; 0 if it is not known.
    usual_gap: AtomicU64,
    /// When a drain closes it if it is still idle, in milliseconds; 0 if no drain has looked at it.
    pub(crate) turn: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

impl Entry {
    fn new(now: Time) -> Self {
        Self {
            stand: AtomicU8::new(Stand::Kept as u8),
            order: AtomicU8::new(Order::None as u8),
            since: AtomicU64::new(now.as_millis()),
            usual_gap: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            waker: Mutex::new(None),
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.stands() == Stand::Kept
    }

    pub(crate) fn stands(&self) -> Stand {
        match self.stand.load(Ordering::Relaxed) {
            0 => Stand::Kept,
            1 => Stand::Busy,
            2 => Stand::Opaque,
            _ => Stand::Closing,
        }
    }

    pub(crate) fn since(&self) -> Time {
        Time::from_millis(self.since.load(Ordering::Relaxed))
    }

    /// How long it usually is from an answer to the next request, if there was one.
    pub(crate) fn usual_gap(&self) -> Option<std::time::Duration> {
        let gap = self.usual_gap.load(Ordering::Relaxed);
        (gap > 0).then(|| std::time::Duration::from_millis(gap))
    }

    pub(crate) fn give(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn wake(&self) {
        let waker = lock(&self.waker).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the order that was given.
    pub(crate) fn take_order(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            0 => Order::None,
            _ => match self.order.swap(Order::None as u8, Ordering::Relaxed) {
                0 => Order::None,
                1 => Order::CloseIdle,
                2 => Order::MakeRoom,
                _ => Order::Cut,
            },
        }
    }

    /// Says whom to wake. Orders given before are seen by whoever asks afterwards.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut held = lock(&self.waker);
        if !held.as_ref().is_some_and(|held| held.will_wake(waker)) {
            *held = Some(waker.clone());
        }
    }
}

/// All connections, in places that are used again.
#[derive(Debug, Default)]
pub(crate) struct Table {
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    entries: Vec<Option<Arc<Entry>>>,
    free: Vec<usize>,
}

impl Table {
    fn enter(&self, entry: Arc<Entry>) -> usize {
        let places = &mut *lock(&self.places);
        if let Some(place) = places.free.pop() {
            places.entries[place] = Some(entry);
            return place;
        }
        places.entries.push(Some(entry));
        places.entries.len() - 1
    }

    fn leave(&self, place: usize) {
        let places = &mut *lock(&self.places);
        places.entries[place] = None;
        places.free.push(place);
    }

    /// Calls `see` with every connection.
    pub(crate) fn each(&self, mut see: impl FnMut(&Arc<Entry>)) {
        lock(&self.places).entries.iter().flatten().for_each(&mut see);
    }

    /// The connection that has been idle for longest.
    pub(crate) fn longest_idle(&self) -> Option<Arc<Entry>> {
        let places = lock(&self.places);
        let idle = places
            .entries
            .iter()
            .flatten()
            .filter(|entry| entry.is_kept() && entry.order.load(Ordering::Relaxed) == Order::None as u8);
        idle.min_by_key(|entry| entry.since()).cloned()
    }
}

/// A panic in one connection's task leaves numbers behind that are still sound: they are only ever replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection's place in the table and its share of the tally.
pub(crate) struct Held {
    pub(crate) shared: Arc<Shared>,
    pub(crate) entry: Arc<Entry>,
    index: usize,
    place: Option<Place>,
    stand: Stand,
    in_flight: u32,
    answered: bool,
}

impl Held {
    pub(crate) fn enter(shared: Arc<Shared>, place: Place) -> Self {
        let entry = Arc::new(Entry::new(clock::now()));
        let index = shared.table.enter(entry.clone());
        add(&shared.tally.counting.connections);
        add(&shared.tally.connections);
        add(&shared.tally.kept);
        Self { shared, entry, index, place: Some(place), stand: Stand::Kept, in_flight: 0, answered: false }
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
            if self.stand == Stand::Kept && stand == Stand::Busy {
                self.learn_gap(now);
            }
            self.answered |= self.stand == Stand::Busy;
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

    /// A quarter of each new gap goes into the usual one. The first wait is no gap: there was no answer before it.
    fn learn_gap(&self, now: Time) {
        if !self.answered {
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
