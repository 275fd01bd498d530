//! The places that there are for connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of all connections that are carried.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) free: Arc<Semaphore>,
    limit: u32,
}

/// A connection's right to be carried.
pub(crate) type Place = OwnedSemaphorePermit;

impl Places {
    pub(crate) fn new(limit: u32) -> Self {
        let free = Arc::new(Semaphore::new(limit as usize));
        Self { free, limit }
    }

    /// Those that close hold no buffer and no connection to the application: so many more of them do no harm.
    pub(crate) fn closing_for_free(&self) -> u64 {
        u64::from(self.limit / 4) + 1
    }

    pub(crate) fn take(&self) -> Option<Place> {
        self.free.clone().try_acquire_owned().ok()
    }
}
