//! A lock that a panic does not close.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic in one connection's task leaves numbers behind that are still sound: they are only ever replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
