//! HTTP/2: what a server can do to single streams and to whole connections.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use segue_probe::{Connections, Protocol, Shape};

use crate::server::{Peer, serve, ten};

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Shakes hands and calls `on_request` with each stream that is opened, until it says stop.
fn speak(mut peer: Peer, mut on_request: impl FnMut(&mut Peer, u32) -> bool) {
    peer.bytes(24);
    peer.write(frame(SETTINGS, 0, 0, &[]));
    while let Some(head) = peer.bytes(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        peer.bytes(length as usize);
        match head[3] {
            SETTINGS if head[4] == 0 => peer.write(frame(SETTINGS, 1, 0, &[])),
            HEADERS if !on_request(&mut peer, stream) => break,
            _ => {}
        }
    }
    peer.finish();
    peer.wait_for_the_end();
}

/// `:status: 200` is entry 8 of HPACK's table; 5 (`END_STREAM | END_HEADERS`) makes it the whole answer.
fn ok(stream: u32) -> Vec<u8> {
    frame(HEADERS, 5, stream, &[0x88])
}

fn get() -> Shape {
    Shape { protocol: Protocol::Http2, pool: 1, ..Shape::new("GET", 50.0) }
}

fn drops(address: &str) -> BTreeMap<String, u64> {
    ten(address, Shape { connections: Connections::Fresh, ..get() }).drops()
}

fn all(kind: &str) -> BTreeMap<String, u64> {
    BTreeMap::from([(kind.to_owned(), 10)])
}

#[test]
fn many_requests_share_one_connection() {
    let address = serve(|peer| {
        speak(peer, |peer, stream| {
            peer.write(ok(stream));
            true
        });
    });
    let report = ten(&address, get());
    assert_eq!(report.drops(), BTreeMap::new());
    assert_eq!((report.ledger.connections, report.ledger.reused()), (1, 9));
}

#[test]
fn a_refused_stream_has_its_own_kind() {
    let address = serve(|peer| {
        speak(peer, |peer, stream| {
            peer.write(frame(RST_STREAM, 0, stream, &[0, 0, 0, 7]));
            true
        });
    });
    assert_eq!(ten(&address, get()).drops(), all("refused-stream"));
}

#[test]
fn a_reset_stream_is_no_reset_connection() {
    let address = serve(|peer| {
        speak(peer, |peer, stream| {
            peer.write(frame(RST_STREAM, 0, stream, &[0, 0, 0, 2]));
            true
        });
    });
    let report = ten(&address, get());
    assert_eq!(report.drops(), all("stream-reset"));
    assert_eq!(report.ledger.connections, 1);
}

#[test]
fn a_goaway_that_leaves_out_a_sent_request_drops_it() {
    let address = serve(|peer| {
        speak(peer, |peer, _| {
            // The last stream that is still served is 0: none.
            peer.write(frame(GOAWAY, 0, 0, &[0; 8]));
            false
        });
    });
    assert_eq!(drops(&address), all("goaway"));
}

#[test]
fn a_goaway_after_the_answer_drops_nothing_that_was_not_sent_before_it_came() {
    let late = Arc::new(AtomicU64::new(0));
    let seen = late.clone();
    let address = serve(move |peer| {
        let mut gone = false;
        speak(peer, |peer, stream| {
            if gone {
                seen.fetch_add(1, Ordering::Relaxed);
            } else {
                let last = [&stream.to_be_bytes()[..], &[0; 4]].concat();
                peer.write([ok(stream), frame(GOAWAY, 0, 0, &last)].concat());
            }
            gone = true;
            true
        });
    });
    let report = ten(&address, get());
    let late = late.load(Ordering::Relaxed);
    assert_eq!(report.drops().get("goaway").copied().unwrap_or(0), late);
    assert_eq!((report.ledger.dropped(), report.ledger.connections), (late, 10 - late));
}

#[test]
fn an_end_of_the_connection_is_told_by_how_it_came() {
    let closed = serve(|peer| speak(peer, |_, _| false));
    assert_eq!(drops(&closed), all("closed-without-answer"));
    let reset = serve(|mut peer| {
        peer.bytes(24);
        peer.write(frame(SETTINGS, 0, 0, &[]));
        peer.bytes(40);
        peer.reset();
    });
    assert_eq!(drops(&reset), all("reset-before-first-byte"));
    let truncated = serve(|peer| {
        speak(peer, |peer, stream| {
            peer.write(frame(HEADERS, 4, stream, &[0x88]));
            false
        });
    });
    assert_eq!(drops(&truncated), all("truncated"));
}

#[test]
fn a_server_without_http2_is_a_drop() {
    let address = serve(|mut peer| {
        peer.some_bytes();
        peer.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        peer.wait_for_the_end();
    });
    assert_eq!(drops(&address), all("protocol-error"));
}
