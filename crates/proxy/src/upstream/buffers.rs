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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_that_was_given_back_last_is_read_into_next() {
        for capacity in [100_000, 200_000] {
            give_back(&mut BytesMut::with_capacity(capacity));
        }
        // Those that hold nothing take no place.
        (0..2 * KEPT).for_each(|_| give_back(&mut BytesMut::new()));
        for capacity in [200_000, 100_000, 72 * 1024] {
            let mut buffer = BytesMut::new();
            make_room(&mut buffer);
            assert_eq!((buffer.capacity(), buffer.len()), (capacity, 0));
        }
    }

    #[test]
    fn what_is_in_a_buffer_that_is_given_back_is_gone() {
        let mut buffer = BytesMut::from(&b"secret"[..]);
        give_back(&mut buffer);
        assert_eq!(buffer.capacity(), 0);
        make_room(&mut buffer);
        assert!(buffer.is_empty());
        let mut head = b"secret".to_vec();
        give_back_scratch(&mut head);
        assert_eq!((head.capacity(), scratch().len()), (0, 0));
    }

    #[test]
    fn room_is_made_only_where_too_little_is_left() {
        for (left, grows) in [(8192, false), (8191, true), (0, true)] {
            let mut buffer = BytesMut::with_capacity(100 + left);
            buffer.resize(100, 0);
            let before = buffer.capacity();
            make_room(&mut buffer);
            assert_eq!(buffer.capacity() > before, grows, "{left}");
            assert_eq!(buffer, [0; 100][..]);
        }
    }

    #[test]
    fn a_worker_keeps_so_many_buffers_and_no_large_scratch_space() {
        (0..KEPT + 5).for_each(|_| give_back(&mut BytesMut::with_capacity(SIZE)));
        (0..KEPT + 5).for_each(|_| give_back_scratch(&mut Vec::with_capacity(16_384)));
        assert_eq!(BUFFERS.with_borrow(Vec::len), KEPT);
        assert_eq!(SCRATCHES.with_borrow(Vec::len), KEPT);
        SCRATCHES.with_borrow_mut(Vec::clear);
        for capacity in [0, 16_385] {
            give_back_scratch(&mut Vec::with_capacity(capacity));
        }
        assert_eq!(SCRATCHES.with_borrow(Vec::len), 0);
    }
}
