//! Kept connections: what is a loss on them, and what is not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use segue_probe::{Connections, Shape};

use crate::server::{load, probe, serve, ten};

#[test]
fn a_connection_that_was_closed_while_idle_is_left_and_counted_and_nothing_is_dropped() {
    // Answers one request on each connection, then closes it without having said so.
    let address = serve(|mut peer| {
        peer.request();
        // In one piece with the end: between the two the next request might come.
        peer.hold_back();
        peer.answer(b"hello");
        peer.finish();
        peer.wait_for_the_end();
    });
    let report = ten(&address, Shape { pool: 1, ..Shape::new("GET", 50.0) });
    assert_eq!(report.drops(), BTreeMap::new());
    assert_eq!((report.ledger.ok(), report.ledger.connections), (10, 10));
    // The last ones may still have been open when the run was over.
    assert!((5..=10).contains(&report.ledger.found_closed), "{}", report.ledger.found_closed);
}

#[test]
fn a_connection_that_says_close_is_not_used_again_and_not_counted_as_found_closed() {
    let address = serve(|mut peer| {
        peer.request();
        peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    });
    let report = ten(&address, Shape::new("GET", 50.0));
    assert_eq!(report.drops(), BTreeMap::new());
    assert_eq!((report.ledger.connections, report.ledger.found_closed, report.ledger.reused()), (10, 0, 0));
}

#[test]
fn kept_connections_are_used_in_turn() {
    let address = serve(|mut peer| {
        while peer.request().is_some() {
            peer.answer(b"hello");
        }
    });
    let report = probe(load(&address, 0.5, Shape { pool: 4, ..Shape::new("GET", 100.0) }));
    assert_eq!(report.drops(), BTreeMap::new());
    // A fifth is opened only where all four are busy.
    assert!(report.ledger.connections >= 4);
    assert_eq!(report.ledger.connections + report.ledger.reused(), 50);
}

#[test]
fn mixed_connections_are_by_turns_kept_and_fresh() {
    let closing = Arc::new(AtomicU64::new(0));
    let seen = closing.clone();
    let address = serve(move |mut peer| {
        while let Some(request) = peer.request() {
            if request.header("connection") == Some("close") {
                seen.fetch_add(1, Ordering::Relaxed);
            }
            peer.answer(b"hello");
        }
    });
    let shape = Shape { connections: Connections::Mixed, pool: 1, ..Shape::new("GET", 100.0) };
    let report = probe(load(&address, 0.5, shape));
    assert_eq!(report.drops(), BTreeMap::new());
    assert_eq!(closing.load(Ordering::Relaxed), 25);
    assert!(report.ledger.connections >= 26);
    assert_eq!(report.ledger.connections + report.ledger.reused(), 50);
}

#[test]
fn the_loop_is_open_a_stalled_server_gets_its_requests_all_the_same() {
    let started = Arc::new(AtomicU64::new(0));
    let seen = started.clone();
    let address = serve(move |mut peer| {
        peer.request();
        seen.fetch_add(1, Ordering::Relaxed);
        // Nobody is answered before all have come.
        while seen.load(Ordering::Relaxed) < 50 {
            crate::server::pause(5);
        }
        peer.answer(b"hello");
        peer.wait_for_the_end();
    });
    let report = probe(load(&address, 0.5, Shape::new("GET", 100.0)));
    assert_eq!(report.drops(), BTreeMap::new());
    assert_eq!((report.ledger.ok(), report.ledger.connections), (50, 50));
}

#[test]
fn a_run_that_could_not_send_what_it_planned_is_invalid() {
    let address = serve(|mut peer| {
        peer.request();
        // Longer than the sending, however late that is.
        crate::server::pause(3000);
        peer.answer(b"hello");
    });
    let mut load = load(&address, 0.3, Shape::new("GET", 100.0));
    load.max_in_flight = 10;
    let report = probe(load);
    assert_eq!((report.ledger.requests(), report.ledger.dropped()), (10, 0));
    assert!(report.invalid().unwrap().contains("20 planned requests were never sent (too-many-in-flight)"));
    assert!(!report.passed());
}

#[test]
fn stopped_early_it_waits_for_what_is_in_flight() {
    let address = serve(|mut peer| {
        peer.request();
        crate::server::pause(300);
        peer.answer(b"hello");
    });
    let probe = segue_probe::start(load(&address, 60.0, Shape::new("GET", 100.0))).unwrap();
    let marker = probe.marker();
    while probe.progress().in_flight < 10 {
        crate::server::pause(5);
    }
    marker.mark(segue_probe::MarkKind::Stopped, "web-1", "v1");
    probe.stopper().stop();
    let report = probe.wait().unwrap();
    assert_eq!(report.drops(), BTreeMap::new());
    assert!((10..100).contains(&report.ledger.ok()), "{}", report.ledger.ok());
    assert_eq!(report.marks.len(), 1);
}
