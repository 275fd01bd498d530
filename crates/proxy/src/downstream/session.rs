//! An HTTP/2 connection and its requests: how many there are, what its client leaves untaken, and what it may cost.
//!
//! A client can open many requests and take nothing of their answers. What is held for it meanwhile is bounded twice:
//! one connection may leave [`ONE_CONNECTION`], and all together [`crate::Limits::answer_buffers`]. Past the first, each
//! request may still have one small piece under way, so that those that are taken do not wait for those that are not.
//! Past the second, that goes for each connection.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use parking_lot::Mutex;

use crate::operation::{Operation, Phase};
use crate::registry::Registered;

/// What one connection may leave untaken of its answers.
const ONE_CONNECTION: usize = 1024 * 1024;

/// A piece that may be under way whatever else was left.
const SMALL: usize = 8 * 1024;

/// What a piece counts beside its bytes: many small ones cost more than they hold.
const A_PIECE: usize = 256;

/// What all HTTP/2 connections of a proxy leave untaken.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Budget {
        Budget { limit, used: AtomicUsize::new(0) }
    }
}

/// One HTTP/2 connection.
#[derive(Debug)]
pub(crate) struct Session {
    /// The connection's own operation.
    operation: Arc<Operation>,
    budget: Arc<Budget>,
    streams: AtomicUsize,
    leaving: AtomicBool,
    /// What its client may ask for beside requests, because it was given something.
    earned: AtomicU64,
    held: AtomicUsize,
    /// How many pieces are under way to its client.
    pieces: AtomicUsize,
    waiting: Mutex<VecDeque<Waker>>,
}

impl Session {
    pub(super) fn new(operation: Arc<Operation>, budget: Arc<Budget>) -> Session {
        Session {
            operation,
            budget,
            streams: AtomicUsize::new(0),
            leaving: AtomicBool::new(false),
            earned: AtomicU64::new(0),
            held: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
            waiting: Mutex::default(),
        }
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Session>, registered: Registered) -> Stream {
        if self.streams.fetch_add(1, Ordering::Relaxed) == 0 {
            self.operation.enter(Phase::Http2);
        }
        Stream {
            held: Arc::new(Share { session: self.clone(), pieces: AtomicUsize::new(0) }),
            _registered: registered,
        }
    }

    /// It was told to go.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        if self.streams.load(Ordering::Relaxed) == 0 {
            self.operation.enter(Phase::Http2Leaving);
        }
    }

    fn end(&self) {
        if self.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            let leaving = self.leaving.load(Ordering::Relaxed);
            self.operation.enter(if leaving { Phase::Http2Leaving } else { Phase::Http2Idle });
        }
    }

    /// What was earned since the last call.
    pub(super) fn take_earned(&self) -> u64 {
        self.earned.swap(0, Ordering::Relaxed)
    }
}

/// A request of an HTTP/2 connection, from its head to the end of its answer.
#[derive(Debug)]
pub(crate) struct Stream {
    held: Arc<Share>,
    _registered: Registered,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.held.session.end();
    }
}

/// How much may be read of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// As much as there is.
    Much,
    /// A small piece.
    Little,
}

impl Room {
    /// How many bytes that is.
    pub(crate) fn limit(self) -> usize {
        match self {
            Room::Much => usize::MAX,
            Room::Little => SMALL,
        }
    }
}

impl Stream {
    /// How much more of the answer may be read now, if anything.
    pub(crate) fn room(&self) -> Option<Room> {
        self.held.room()
    }

    /// Ready when more of the answer may be read. While pending, this task is woken when there may be room.
    pub(crate) fn poll_room(&self, context: &Context<'_>) -> Poll<Room> {
        if let Some(room) = self.room() {
            return Poll::Ready(room);
        }
        let mut waiting = self.held.session.waiting.lock();
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push_back(context.waker().clone());
        }
        Poll::Pending
    }

    /// Bytes that count as held until they have left.
    pub(crate) fn hold(&self, bytes: Bytes) -> Held {
        self.held.session.earned.fetch_add(16 + bytes.len() as u64 / 256, Ordering::Relaxed);
        let counted = bytes.len() + A_PIECE;
        self.held.add(counted);
        for count in [&self.held.pieces, &self.held.session.pieces] {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Held { share: Some((self.held.clone(), counted)), bytes }
    }

    /// Counts what was read and not made a piece of yet: it was `before`, and is `now`.
    pub(crate) fn keeps(&self, before: usize, now: usize) {
        if before != now {
            self.held.add(now);
            self.held.release(before);
        }
    }
}

/// What is held of one answer.
#[derive(Debug)]
struct Share {
    session: Arc<Session>,
    pieces: AtomicUsize,
}

impl Share {
    fn room(&self) -> Option<Room> {
        let session = &self.session;
        let of_connection = session.held.load(Ordering::Relaxed);
        // Pieces, not bytes: those that were read and are half of something no client can take. Only a read of the same
        // answer makes a piece of them.
        let little = |pieces: &AtomicUsize| (pieces.load(Ordering::Relaxed) == 0).then_some(Room::Little);
        if session.budget.used.load(Ordering::Relaxed) >= session.budget.limit {
            little(&session.pieces)
        } else if of_connection >= ONE_CONNECTION {
            little(&self.pieces)
        } else {
            Some(Room::Much)
        }
    }

    fn add(&self, bytes: usize) {
        for count in [&self.session.held, &self.session.budget.used] {
            count.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn release(&self, bytes: usize) {
        for count in [&self.session.held, &self.session.budget.used] {
            count.fetch_sub(bytes, Ordering::Relaxed);
        }
        let mut waiting = self.session.waiting.lock();
        // Not all: of many that wait, few find room. The sweep wakes the others now and then.
        let woken: Vec<_> = (0..2).filter_map(|_| waiting.pop_front()).collect();
        drop(waiting);
        woken.into_iter().for_each(Waker::wake);
    }
}

/// Bytes of an answer on their way to a client.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Bytes,
    share: Option<(Arc<Share>, usize)>,
}

impl From<Bytes> for Held {
    /// Bytes that nobody counts.
    fn from(bytes: Bytes) -> Held {
        Held { bytes, share: None }
    }
}

impl Buf for Held {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.left();
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        let copied = self.bytes.copy_to_bytes(length);
        self.left();
        copied
    }
}

impl Held {
    /// A client that takes the tail of its answers slowly, but takes it, neither is idle nor stands still. What is
    /// written beside answers shows no such thing: a client's PINGs are answered too.
    fn left(&self) {
        if let Some((share, _)) = &self.share {
            share.session.operation.progressed();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((share, counted)) = self.share.take() {
            for count in [&share.pieces, &share.session.pieces] {
                count.fetch_sub(1, Ordering::Relaxed);
            }
            share.release(counted);
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
