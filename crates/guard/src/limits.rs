//! How many connections are carried: above the limit the longest idle is closed first, then the new one is refused.
//!
//! A new one is carried only in a place that is free. One that was asked to go may turn out to be in use, so the new one
//! waits until a place is left, and not for long.

use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::picture::add;
use crate::places::Place;
use crate::shared::Shared;
use crate::table::{Entry, Order, Stand};

/// How often it is looked for a place, and the pause between. Others wait meanwhile to be accepted: for a second, as when
/// one packet is lost on the way.
const LOOKS: (u32, Duration) = (50, Duration::from_millis(20));

/// After so many looks another idle connection is asked: the first may not come to it, such as one whose application
/// takes no connection.
const PATIENCE: u32 = 10;

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
