//! The connections that a guard carries: who is idle since when, and how one of them is given an order.
//!
//! A connection belongs to its task alone. What others may see and ask of it lies in its [`Entry`].

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use segue_core::Time;

use crate::lock::lock;

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
    pub(crate) stand: AtomicU8,
    order: AtomicU8,
    /// Since when it stands so, in milliseconds.
    pub(crate) since: AtomicU64,
    /// How long it usually is from an answer to the next request, in milliseconds; 0 if it is not known.
    pub(crate) usual_gap: AtomicU64,
    /// When a drain closes it if it is still idle, in milliseconds; 0 if no drain has looked at it.
    pub(crate) turn: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

impl Entry {
    pub(crate) fn new(now: Time) -> Self {
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
    pub(crate) fn enter(&self, entry: Arc<Entry>) -> usize {
        let places = &mut *lock(&self.places);
        if let Some(place) = places.free.pop() {
            places.entries[place] = Some(entry);
            return place;
        }
        places.entries.push(Some(entry));
        places.entries.len() - 1
    }

    pub(crate) fn leave(&self, place: usize) {
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

#[cfg(test)]
mod tests;
