//! HTTP/2 clients that make work and ask for nothing.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::http2::{
    END_HEADERS, END_STREAM, Frames, HEADERS, PRIORITY, RESET, WINDOW_UPDATE, frame, request,
};
use crate::support::origin::{Origin, ok};
use crate::support::{config, pause, pool_of, start, until};
use segue_proxy::{Config, Limits};

#[test]
pub(crate) fn a_request_that_is_taken_back_at_once_does_not_reach_an_instance() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let origin = Origin::answering(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        ok("x")
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Frames::connect(proxy.local_addr());
    for stream in 0..15 {
        let stream = 2 * stream + 1;
        let asking = frame(HEADERS, END_HEADERS | END_STREAM, stream, &request("GET", &[]));
        client.send(&[asking, frame(RESET, 0, stream, &8u32.to_be_bytes())].concat());
        pause(Duration::from_millis(20));
    }
    client.ask(101, &[]);
    client.wait_for(HEADERS, 101);
    assert_eq!((origin.connections(), asked.load(Ordering::SeqCst)), (1, 1));
}

/// Whether the proxy ends a connection that sends this frame over and over.
fn ends_a_flood_of(flood: &[u8]) -> bool {
    let proxy = start(&pool_of(&[Origin::echo().address]), config());
    let mut client = Frames::connect(proxy.local_addr());
    client.ask(1, &[]);
    client.wait_for(HEADERS, 1);
    let many = flood.repeat(1000);
    (0..50).any(|_| client.0.write_all(&many).is_err()) || client.ended()
}

#[test]
pub(crate) fn frames_that_ask_for_nothing_are_not_read_for_ever() {
    assert!(ends_a_flood_of(&frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 7])));
    assert!(ends_a_flood_of(&frame(WINDOW_UPDATE, 0, 0, &1u32.to_be_bytes())));
    assert!(ends_a_flood_of(&frame(0x42, 0, 0, b"unknown")));
}

#[test]
pub(crate) fn a_client_that_takes_a_long_answer_may_say_so_often() {
    let origin = Origin::answering(|_| ok(vec![b'x'; 20_000_000]));
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Frames::connect(proxy.local_addr());
    client.ask(1, &[]);
    let mut taken = 0;
    while taken < 20_000_000 {
        let frame_read = client.read().unwrap();
        if (frame_read.kind, frame_read.stream) == (crate::support::http2::DATA, 1) {
            taken += frame_read.payload.len();
            for stream in [0, 1, 0, 1] {
                client.send(&frame(WINDOW_UPDATE, 0, stream, &1u32.to_be_bytes()));
            }
        }
    }
}

#[test]
pub(crate) fn half_a_head_of_http_2_has_the_same_time_as_one_of_http_1() {
    let limits = Limits { head: Duration::from_millis(300), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    let whole = frame(HEADERS, END_STREAM, 1, &request("GET", &[]));
    for sent in [&whole[..], &whole[..whole.len() - 3], &whole[..4]] {
        let mut client = Frames::connect(proxy.local_addr());
        client.send(sent);
        assert!(client.ended());
    }
    until("gone", || proxy.stats().connections == 0);
}
