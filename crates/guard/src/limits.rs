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
use crate::table::{Entry, Order, Stand};

/// How often it is looked for a place, and the pause between. Others wait meanwhile to be accepted: for a second, as when
/// one packet is lost on the way.
const LOOKS: (u32, Duration) = (50, Duration::from_millis(20));

/// After so many looks another idle connection is asked: the first may not come to it, such as one whose application
/// takes no connection.
const PATIENCE: u32 = 10;

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
    let (looks, pause) = LOOKS;
    let mut asked: Option<Arc<Entry>> = None;
    for look in 0..looks {
        let is_going = asked.as_ref().is_some_and(|asked| {
            asked.stands() == Stand::Closing || (asked.is_kept() && look % PATIENCE != 0)
        });
        if !is_going {
            match shared.table.longest_idle() {
                Some(idle) => {
                    idle.give(Order::MakeRoom);
                    asked = Some(idle);
                }
                None if asked.as_ref().is_some_and(|asked| asked.is_kept()) => {}
                // It was used meanwhile, or there was none: nobody is about to go.
                None => return shared.places.take(),
            }
        }
        if let Some(place) = clock::within(pause, shared.places.free.clone().acquire_owned()).await {
            return place.ok();
        }
    }
    None
}
