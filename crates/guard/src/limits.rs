//! How many connections are carried: above the limit the longest idle is closed first, then the new one is refused.
//!
//! A new one is carried only in a place that is free. One that was asked to go may turn out to be in use, so the new one
//! waits until a place is left, and not for long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock;
use crate::picture::add;
use crate::shared::Shared;
use crate::table::Order;

/// How long a new connection waits for a place, and how often it is looked whether an idle one still goes. Others wait
/// behind it to be accepted, as long as for one packet that is lost on the way.
const WAIT: (Duration, u32) = (Duration::from_millis(20), 50);

/// The places of all connections that are carried.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
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

    fn take(&self) -> Option<Place> {
        self.free.clone().try_acquire_owned().ok()
    }
}

/// A place for one more connection; makes one, if an idle one goes.
pub(crate) async fn admit(shared: &Shared) -> Option<Place> {
    let place = match shared.places.take() {
        None => make_room(shared).await,
        free => free,
    };
    if place.is_none() {
        add(&shared.tally.counting.over_limit_refused);
    }
    place
}

async fn make_room(shared: &Shared) -> Option<Place> {
    let (pause, times) = WAIT;
    let mut asked = None;
    for _ in 0..times {
        match shared.table.longest_idle() {
            Some(idle) => {
                idle.give(Order::MakeRoom);
                asked = Some(idle);
            }
            None if asked.as_ref().is_some_and(|asked| asked.is_kept()) => {}
            // Nobody is about to go.
            None => return shared.places.take(),
        }
        if let Some(place) = clock::within(pause, shared.places.free.clone().acquire_owned()).await {
            return place.ok();
        }
    }
    None
}
