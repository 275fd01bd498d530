//! Buffers that a worker's requests take turns with.
//!
//! Last in, first out: the buffer used last is still in the processor's cache. Reading takes one only once there
//! is something to read, so waiting requests and idle connections hold none.

use std::cell::RefCell;

use bytes::BytesMut;

/// Holds a 64 KiB answer and its head in one read.
const SIZE: usize = 72 * 1024;

/// With less room than this left, a read gets a fresh buffer.
const ROOM: usize = 8 * 1024;

/// What a worker keeps at most.
const KEPT: usize = 16;

/// Scratch space for heads larger than this is not kept.
const SCRATCH_KEPT: usize = 16 * 1024;

thread_local! {
    static BUFFERS: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
    static SCRATCHES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Makes sure that there is room to read into.
pub(super) fn make_room(buffer: &mut BytesMut) {
    if buffer.capacity() == 0 {
        *buffer = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
    }
    if buffer.capacity() - buffer.len() < ROOM {
        // Takes back the front of the same allocation once nothing refers to it any more.
        buffer.reserve(SIZE);
    }
}

/// Gives a buffer to whoever reads next.
pub(super) fn give_back(buffer: &mut BytesMut) {
    if buffer.capacity() > 0 {
        let mut buffer = std::mem::take(buffer);
        buffer.clear();
        BUFFERS.with_borrow_mut(|kept| {
            if kept.len() < KEPT {
                kept.push(buffer);
            }
        });
    }
}

/// An empty buffer to write a head into.
pub(crate) fn scratch() -> Vec<u8> {
    SCRATCHES.with_borrow_mut(Vec::pop).unwrap_or_else(|| Vec::with_capacity(2048))
}

/// Gives a head's buffer to whoever writes next.
pub(super) fn give_back_scratch(buffer: &mut Vec<u8>) {
    let mut buffer = std::mem::take(buffer);
    if (1..=SCRATCH_KEPT).contains(&buffer.capacity()) {
        buffer.clear();
        SCRATCHES.with_borrow_mut(|kept| {
            if kept.len() < KEPT {
                kept.push(buffer);
            }
        });
    }
}
