//! How many requests the guard carries, kept in a file: should the agent die, the next one tells what was lost.
//!
//! A thread of its own writes it, since a disk that is slow or full must not hold up what the guard carries.

use crate::{clock, folder};
use segue_guard::Guard;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often it is looked whether the number changed.
const AGAIN: Duration = Duration::from_millis(200);

/// Keeps the number in the file.
#[derive(Debug, Clone)]
pub(crate) struct InFlightFile {
    /// Whether the agent came to its own end, so that nothing is written any more.
    ended: Arc<Mutex<bool>>,
}

impl InFlightFile {
    /// Keeps the number from now on; `written` is what the file says.
    pub(crate) fn keep(guard: Guard, written: u64) -> std::io::Result<Self> {
        let file = Self { ended: Arc::default() };
        let writer = file.clone();
        std::thread::Builder::new()
            .name("in-flight-file".into())
            .spawn(move || writer.write(&guard, written))?;
        Ok(file)
    }

    fn write(&self, guard: &Guard, mut written: u64) {
        loop {
            let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            if *ended {
                return;
            }
            let now = guard.snapshot().in_flight;
            // A full disk is no reason to stop: then the last count that could be written stays.
            if now != written && folder::write_in_flight(now).is_ok() {
                written = now;
            }
            drop(ended);
            clock::block(AGAIN);
        }
    }

    /// The agent ends by itself: what it carried, it answered or counted.
    pub(crate) fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        let _ = folder::write_in_flight(0);
    }
}
