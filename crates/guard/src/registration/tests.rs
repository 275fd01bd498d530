//! What a connection adds to the numbers, and that it leaves nothing behind.

use super::*;
use crate::support::{registered, shared, shared_with};

#[test]
fn each_connection_is_counted_by_its_state_and_leaves_nothing_behind() {
    let shared = shared();
    let (mut one, mut other) = (registered(&shared), registered(&shared));
    for (state, in_flight, expected) in [
        (ConnectionState::Busy, 2, (2, 1, 0, 0)),
        (ConnectionState::Kept, 0, (0, 2, 0, 0)),
        (ConnectionState::Busy, 0, (0, 1, 0, 0)),
        (ConnectionState::Opaque, 0, (0, 1, 1, 0)),
        (ConnectionState::Closing, 0, (0, 1, 0, 1)),
        (ConnectionState::Busy, 3, (3, 1, 0, 0)),
    ] {
        one.update(state, in_flight);
        let snapshot = shared.metrics.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.kept, snapshot.opaque, snapshot.closing), expected);
        assert_eq!((one.state(), one.in_flight(), one.entry.state()), (state, in_flight, state));
    }
    other.update(ConnectionState::Opaque, 0);
    one.request();
    let counters = shared.metrics.snapshot().counters;
    assert_eq!((counters.connections, counters.requests), (2, 1));
    drop((one, other));
    let snapshot = shared.metrics.snapshot();
    assert_eq!((snapshot.connections, snapshot.in_flight, snapshot.kept, snapshot.opaque), (0, 0, 0, 0));
    assert_eq!(snapshot.counters.panics, 0);
    shared.table.each(|_| panic!("nobody is there"));
}

#[test]
fn of_those_that_close_a_quarter_and_one_give_their_place_away() {
    let shared = shared_with(|settings| settings.max_connections = 4);
    let mut all: Vec<_> = (0..4).map(|_| registered(&shared)).collect();
    assert!(shared.places.take().is_none());
    for (registration, free) in all.iter_mut().zip([1, 2, 2, 2]) {
        registration.update(ConnectionState::Closing, 0);
        assert_eq!(shared.places.free.available_permits(), free);
    }
    drop(all);
    assert_eq!(shared.places.free.available_permits(), 4);
}

#[test]
fn the_usual_gap_is_learnt_from_answers_to_requests() {
    let shared = shared();
    let mut registration = registered(&shared);
    let gap = |registration: &mut Registration, milliseconds: u64| {
        let since = registration.entry.since();
        registration.learn_gap(since + std::time::Duration::from_millis(milliseconds));
        registration.entry.usual_gap.load(Ordering::Relaxed)
    };
    assert_eq!(gap(&mut registration, 400), 0, "there was no answer before");
    assert_eq!(gap(&mut registration, 400), 400);
    assert_eq!(gap(&mut registration, 800), 500);
    assert_eq!(gap(&mut registration, 0), 375);
}

#[test]
fn the_first_request_shows_no_gap_however_it_comes() {
    let shared = shared();
    let mut registration = registered(&shared);
    let mut gap = |states: &[(ConnectionState, u32)]| {
        for (state, in_flight) in states {
            registration.update(*state, *in_flight);
        }
        let gap = registration.entry.usual_gap();
        registration.has_not_begun();
        gap
    };
    assert_eq!(gap(&[(ConnectionState::Busy, 1)]), None);
    assert_eq!(gap(&[(ConnectionState::Busy, 1), (ConnectionState::Kept, 0)]), None);
    // Less than a millisecond is one.
    assert!(
        gap(&[(ConnectionState::Busy, 1), (ConnectionState::Kept, 0), (ConnectionState::Busy, 1)]).is_some()
    );
}
