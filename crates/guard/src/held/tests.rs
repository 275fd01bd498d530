//! What a connection adds to the tally, and that it leaves nothing behind.

use super::*;
use crate::support::{held, shared, shared_with};

#[test]
fn each_connection_is_counted_as_it_stands_and_leaves_nothing_behind() {
    let shared = shared();
    let (mut one, mut other) = (held(&shared), held(&shared));
    for (stand, in_flight, expected) in [
        (Stand::Busy, 2, (2, 1, 0, 0)),
        (Stand::Kept, 0, (0, 2, 0, 0)),
        (Stand::Busy, 0, (0, 1, 0, 0)),
        (Stand::Opaque, 0, (0, 1, 1, 0)),
        (Stand::Closing, 0, (0, 1, 0, 1)),
        (Stand::Busy, 3, (3, 1, 0, 0)),
    ] {
        one.stands(stand, in_flight);
        let picture = shared.tally.picture();
        assert_eq!((picture.in_flight, picture.kept, picture.opaque, picture.closing), expected);
        assert_eq!((one.stand(), one.in_flight(), one.entry.stands()), (stand, in_flight, stand));
    }
    other.stands(Stand::Opaque, 0);
    one.request();
    let counters = shared.tally.picture().counters;
    assert_eq!((counters.connections, counters.requests), (2, 1));
    drop((one, other));
    let picture = shared.tally.picture();
    assert_eq!((picture.connections, picture.in_flight, picture.kept, picture.opaque), (0, 0, 0, 0));
    assert_eq!(picture.counters.panics, 0);
    shared.table.each(|_| panic!("nobody is there"));
}

#[test]
fn of_those_that_close_a_quarter_and_one_give_their_place_away() {
    let shared = shared_with(|settings| settings.max_connections = 4);
    let mut all: Vec<_> = (0..4).map(|_| held(&shared)).collect();
    assert!(shared.places.take().is_none());
    for (held, free) in all.iter_mut().zip([1, 2, 2, 2]) {
        held.stands(Stand::Closing, 0);
        assert_eq!(shared.places.free.available_permits(), free);
    }
    drop(all);
    assert_eq!(shared.places.free.available_permits(), 4);
}

#[test]
fn the_usual_gap_is_learnt_from_answers_to_requests() {
    let shared = shared();
    let mut held = held(&shared);
    let gap = |held: &mut Held, milliseconds: u64| {
        let since = held.entry.since();
        held.learn_gap(since + std::time::Duration::from_millis(milliseconds));
        held.entry.usual_gap.load(Ordering::Relaxed)
    };
    assert_eq!(gap(&mut held, 400), 0, "there was no answer before");
    assert_eq!(gap(&mut held, 400), 400);
    assert_eq!(gap(&mut held, 800), 500);
    assert_eq!(gap(&mut held, 0), 375);
}

#[test]
fn the_first_request_shows_no_rhythm_however_it_comes() {
    let shared = shared();
    let mut held = held(&shared);
    let mut gap = |stands: &[(Stand, u32)]| {
        for (stand, in_flight) in stands {
            held.stands(*stand, *in_flight);
        }
        let gap = held.entry.usual_gap();
        held.has_not_begun();
        gap
    };
    assert_eq!(gap(&[(Stand::Busy, 1)]), None);
    assert_eq!(gap(&[(Stand::Busy, 1), (Stand::Kept, 0)]), None);
    // Less than a millisecond is one.
    assert!(gap(&[(Stand::Busy, 1), (Stand::Kept, 0), (Stand::Busy, 1)]).is_some());
}
