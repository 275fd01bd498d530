//! What is told as a change, and what a snapshot says.

use std::pin::pin;
use std::task::{Context, Waker};

use super::*;

/// Whether something came to its end since the last time.
fn has_changed(metrics: &Metrics) -> bool {
    pin!(metrics.changed.notified()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn only_the_end_of_the_last_one_is_a_change() {
    let metrics = Metrics::default();
    for number in [&metrics.connections, &metrics.kept, &metrics.closing] {
        add(number);
        add(number);
        metrics.less(number);
        assert!(!has_changed(&metrics), "one is left");
        metrics.less(number);
        assert!(has_changed(&metrics));
        assert!(!has_changed(&metrics), "it is told once");
    }
}

#[test]
fn requests_in_flight_are_those_of_all_connections() {
    let metrics = Metrics::default();
    for (before, after, in_flight, is_change) in [
        (0, 3, 3, false),
        (0, 1, 4, false),
        (1, 1, 4, false),
        (3, 1, 2, false),
        (1, 2, 3, false),
        (2, 0, 1, false),
        (0, 0, 1, false),
        (1, 0, 0, true),
        (0, 0, 0, false),
    ] {
        metrics.in_flight(before, after);
        assert_eq!((metrics.snapshot().in_flight, has_changed(&metrics)), (in_flight, is_change));
    }
}

#[test]
fn the_last_request_is_the_latest() {
    let metrics = Metrics::default();
    assert_eq!(metrics.snapshot().last_request, None);
    for (now, last) in [(5, 5), (9, 9), (7, 9)] {
        metrics.request(Time::from_millis(now));
        assert_eq!(metrics.snapshot().last_request, Some(Time::from_millis(last)));
    }
    assert_eq!(metrics.snapshot().counters.requests, 3);
}
