//! Buffers that belong to whoever has bytes just now: a connection that rests holds none.

use std::sync::Mutex;

use crate::lock::lock;

/// How long a pooled buffer is, in bytes.
pub(crate) const SIZE: usize = 16 * 1024;

/// How many buffers are kept for the next: enough for connections that are busy at once, and 1 MiB in all.
const KEPT: usize = 64;

/// Buffers that nobody uses just now.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    /// A buffer of [`SIZE`] initialised bytes; what they are is of no meaning.
    pub(crate) fn take(&self) -> Vec<u8> {
        lock(&self.free).pop().unwrap_or_else(|| vec![0; SIZE])
    }

    pub(crate) fn give(&self, buffer: Vec<u8>) {
        let mut free = lock(&self.free);
        if buffer.len() == SIZE && free.len() < KEPT {
            free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_kept_up_to_one_mebibyte_in_all() {
        let pool = Pool::default();
        let taken: Vec<_> = (0..100).map(|_| pool.take()).collect();
        assert!(taken.iter().all(|buffer| buffer.len() == 16_384));
        for buffer in taken {
            pool.give(buffer);
        }
        assert_eq!(lock(&pool.free).iter().map(Vec::len).sum::<usize>(), 1024 * 1024);
    }

    #[test]
    fn one_of_another_length_is_not_kept() {
        let pool = Pool::default();
        pool.give(vec![0; SIZE / 2]);
        assert_eq!(lock(&pool.free).len(), 0);
    }
}
