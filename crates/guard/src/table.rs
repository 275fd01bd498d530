//! The connections that a guard carries: who is idle since when, and how one of them is given a command.
//!
//! A connection belongs to its task alone. What others may see and ask of it lies in its [`Entry`].

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use segue_core::Time;

use crate::lock::lock;

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ConnectionState {
    /// Nothing in flight, and another request may come.
    Kept,
    /// Something is in flight.
    Busy,
    /// Nothing is known of it.
    Opaque,
    /// The client knows that it is to close.
    Closing,
}

impl ConnectionState {
    /// The state of a connection with so many requests under way.
    pub(crate) const fn with(under_way: u32) -> Self {
        if under_way > 0 { Self::Busy } else { Self::Kept }
    }
}

/// What a connection is asked to do; the later ones outdo the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Command {
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
    pub(crate) state: AtomicU8,
    command: AtomicU8,
    /// Since when it is in that state, in milliseconds.
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
            state: AtomicU8::new(ConnectionState::Kept as u8),
            command: AtomicU8::new(Command::None as u8),
            since: AtomicU64::new(now.as_millis()),
            usual_gap: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            waker: Mutex::new(None),
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.state() == ConnectionState::Kept
    }

    pub(crate) fn state(&self) -> ConnectionState {
        match self.state.load(Ordering::Relaxed) {
            0 => ConnectionState::Kept,
            1 => ConnectionState::Busy,
            2 => ConnectionState::Opaque,
            _ => ConnectionState::Closing,
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

    pub(crate) fn give(&self, command: Command) {
        self.command.fetch_max(command as u8, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn wake(&self) {
        let waker = lock(&self.waker).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the command that was given.
    pub(crate) fn take_command(&self) -> Command {
        match self.command.load(Ordering::Relaxed) {
            0 => Command::None,
            _ => match self.command.swap(Command::None as u8, Ordering::Relaxed) {
                0 => Command::None,
                1 => Command::CloseIdle,
                2 => Command::MakeRoom,
                _ => Command::Cut,
            },
        }
    }

    /// Says whom to wake. Commands given before are seen by whoever asks afterwards.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut held = lock(&self.waker);
        if !held.as_ref().is_some_and(|held| held.will_wake(waker)) {
            *held = Some(waker.clone());
        }
    }
}

/// All connections, in slots that are used again.
#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    entries: Vec<Option<Arc<Entry>>>,
    free: Vec<usize>,
}

impl Table {
    pub(crate) fn enter(&self, entry: Arc<Entry>) -> usize {
        let slots = &mut *lock(&self.slots);
        if let Some(slot) = slots.free.pop() {
            slots.entries[slot] = Some(entry);
            return slot;
        }
        slots.entries.push(Some(entry));
        slots.entries.len() - 1
    }

    pub(crate) fn leave(&self, slot: usize) {
        let slots = &mut *lock(&self.slots);
        slots.entries[slot] = None;
        slots.free.push(slot);
    }

    /// Calls `see` with every connection.
    pub(crate) fn each(&self, mut see: impl FnMut(&Arc<Entry>)) {
        lock(&self.slots).entries.iter().flatten().for_each(&mut see);
    }

    /// The connection that has been idle for longest.
    pub(crate) fn longest_idle(&self) -> Option<Arc<Entry>> {
        let slots = lock(&self.slots);
        let idle =
            slots.entries.iter().flatten().filter(|entry| {
                entry.is_kept() && entry.command.load(Ordering::Relaxed) == Command::None as u8
            });
        idle.min_by_key(|entry| entry.since()).cloned()
    }
}

#[cfg(test)]
mod tests;
