//! How many connections are carried: above the limit the longest idle is closed first, then the new one is refused.
//!
//! A new one is carried only in a place that is free. One that was asked to go may turn out to be in use, so the new one
//! waits until a place is left, and not for long.

use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::places::Place;
use crate::shared::Shared;
use crate::snapshot::add;
use crate::table::{Command, ConnectionState, Entry};

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
        add(&shared.metrics.counters.over_limit_refused);
    }
    place
}

async fn make_room(shared: &Shared) -> Option<Place> {
    let (looks, pause) = LOOKS;
    let mut asked: Option<Arc<Entry>> = None;
    for look in 0..looks {
        let is_going = asked.as_ref().is_some_and(|asked| {
            asked.state() == ConnectionState::Closing || (asked.is_kept() && look % PATIENCE != 0)
        });
        if !is_going {
            match shared.table.longest_idle() {
                Some(idle) => {
                    idle.give(Command::MakeRoom);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{registered, shared_with, soon};

    fn full(limit: u32) -> (Arc<Shared>, Vec<crate::registration::Registration>) {
        let shared = shared_with(|settings| settings.max_connections = limit);
        let all = (0..limit).map(|_| registered(&shared)).collect();
        (shared, all)
    }

    #[tokio::test]
    async fn of_idle_connections_that_do_not_go_one_after_the_other_is_asked() {
        let (shared, all) = full(7);
        assert!(soon("the last look", admit(&shared)).await.is_none());
        let asked =
            all.iter().filter(|registration| registration.entry.take_command() == Command::MakeRoom).count();
        assert_eq!((asked, shared.metrics.snapshot().counters.over_limit_refused), (5, 1));
    }

    #[tokio::test]
    async fn one_that_is_closing_is_waited_for_and_no_other_asked() {
        let (shared, mut all) = full(2);
        let last = all.remove(1);
        let first = all.remove(0);
        last.entry.since.fetch_add(1000, std::sync::atomic::Ordering::Relaxed);
        let admits = admit(&shared);
        let goes = async {
            while first.entry.take_command() != Command::MakeRoom {
                tokio::task::yield_now().await;
            }
            first.entry.state.store(ConnectionState::Closing as u8, std::sync::atomic::Ordering::Relaxed);
            clock::sleep(Duration::from_millis(300)).await;
            drop(first);
        };
        let (place, ()) = soon("a place", async { tokio::join!(admits, goes) }).await;
        assert!(place.is_some());
        assert_eq!(last.entry.take_command(), Command::None);
    }

    #[tokio::test]
    async fn the_only_one_that_is_idle_may_take_its_time_to_go() {
        let (shared, all) = full(1);
        let goes = async {
            clock::sleep(Duration::from_millis(400)).await;
            drop(all);
        };
        let (place, ()) = soon("a place", async { tokio::join!(admit(&shared), goes) }).await;
        assert!(place.is_some());
    }

    #[tokio::test]
    async fn nobody_is_waited_for_where_all_are_busy() {
        let (shared, mut all) = full(2);
        for registration in &mut all {
            registration.update(ConnectionState::Busy, 1);
        }
        let mut admits = std::pin::pin!(admit(&shared));
        let polled = admits.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        assert!(matches!(polled, std::task::Poll::Ready(None)));
        drop(all);
        assert!(admit(&shared).await.is_some());
        assert_eq!(shared.metrics.snapshot().counters.over_limit_refused, 1);
    }
}
