//! Each kind of drop, by a server that does just that.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use http::Method;
use segue_probe::{Connections, Expect, Load, Report, Shape, Trust};

use crate::server::{Peer, load, pause, probe, serve, ten};

fn get() -> Shape {
    Shape { connections: Connections::Fresh, ..Shape::new("GET", 50.0) }
}

fn post(body_size: usize) -> Shape {
    Shape { method: Method::POST, body_size, ..get() }
}

/// Ten requests were sent, all ended, all in this way.
#[track_caller]
fn assert_all(report: &Report, kind: &str) {
    let ledger = &report.ledger;
    assert_eq!(report.drops(), BTreeMap::from([(kind.to_owned(), 10)]));
    assert_eq!((ledger.requests(), ledger.ok(), ledger.open_tickets()), (10, 0, 0));
    assert_eq!(ledger.losses().len(), 10);
    assert!(!report.passed());
}

#[track_caller]
fn assert_served(handle: impl Fn(Peer) + Send + Sync + 'static, shape: Shape, kind: &str) {
    assert_all(&ten(&serve(handle), shape), kind);
}

/// What is said of all ten.
#[track_caller]
fn the_cause(report: &Report) -> String {
    let causes: Vec<_> =
        report.ledger.causes().iter().map(|((_, cause), count)| (cause.to_string(), *count)).collect();
    let [(cause, 10)] = &causes[..] else { panic!("{causes:?}") };
    cause.clone()
}

#[test]
fn an_answer_is_ok() {
    let address = serve(|mut peer| {
        while peer.request().is_some() {
            peer.answer(b"hello");
        }
    });
    let report = ten(&address, get());
    assert_eq!(report.drops(), BTreeMap::new());
    assert_eq!((report.ledger.ok(), report.ledger.connections), (10, 10));
    assert_eq!(report.ledger.versions(), [("v1".to_owned(), 10)]);
}

#[test]
fn nobody_listening_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    assert_all(&ten(&address, get()), "refused");
}

#[test]
fn an_address_that_no_way_leads_to_is_unreachable() {
    let report = ten("255.255.255.255:9", get());
    assert_all(&report, "unreachable");
    assert!(the_cause(&report).contains("unreachable"), "{}", the_cause(&report));
}

#[test]
fn a_connection_that_is_never_accepted_is_a_connect_timeout() {
    use rustix::net::{AddressFamily, SocketType, bind, connect, getsockname, listen, socket};
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listener, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&listener, 0).unwrap();
    let address = std::net::SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
    // A queue of none holds one; whoever comes after it waits.
    let first = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    connect(&first, &address).unwrap();
    let load = load(&address.to_string(), 0.2, get());
    let report = probe(Load { connect_timeout: Duration::from_millis(300), ..load });
    assert_all(&report, "connect-timeout");
}

#[test]
fn a_server_that_speaks_no_tls_is_a_tls_drop() {
    let address = serve(|mut peer| {
        peer.some_bytes();
        peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let mut load = load(&address, 0.2, get());
    load.target = format!("https://{address}/").parse().unwrap();
    load.trust = Trust::Anyone;
    let report = probe(load);
    assert_all(&report, "tls");
    assert!(the_cause(&report).contains("InvalidContentType"), "{}", the_cause(&report));
}

#[test]
fn a_reset_within_the_upload_is_a_write_error() {
    let handle = |mut peer: Peer| {
        peer.head();
        peer.bytes(1000);
        peer.reset();
    };
    assert_served(handle, post(20 << 20), "write-error");
}

#[test]
fn a_reset_after_the_request_is_before_the_first_byte() {
    let handle = |mut peer: Peer| {
        peer.request();
        peer.reset();
    };
    assert_served(handle, get(), "reset-before-first-byte");
    assert_served(handle, post(5000), "reset-before-first-byte");
}

#[test]
fn a_reset_within_the_answer_is_after_the_first_byte() {
    let handle = |mut peer: Peer| {
        peer.request();
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello");
        // The client is to have read it: a reset takes what was not read with it.
        pause(500);
        peer.reset();
    };
    assert_served(handle, get(), "reset-after-first-byte");
    let within_the_head = |mut peer: Peer| {
        peer.request();
        peer.write("HTTP/1.1 200 O");
        // The client is to have read it: a reset takes what was not read with it.
        pause(500);
        peer.reset();
    };
    assert_served(within_the_head, get(), "reset-after-first-byte");
}

#[test]
fn an_orderly_end_without_a_byte_is_closed_without_answer() {
    let handle = |mut peer: Peer| drop(peer.request());
    assert_served(handle, get(), "closed-without-answer");
    assert_served(handle, post(5000), "closed-without-answer");
}

#[test]
fn a_new_connection_that_is_closed_at_once_is_a_drop_too() {
    let address = serve(|mut peer| {
        peer.finish();
        peer.wait_for_the_end();
    });
    let report = ten(&address, get());
    assert_eq!((report.ledger.dropped(), report.ledger.found_closed), (10, 0));
}

#[test]
fn an_orderly_end_within_the_answer_is_truncated() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ncontent-le",
    ] {
        let handle = move |mut peer: Peer| {
            peer.request();
            peer.write(answer);
        };
        assert_served(handle, get(), "truncated");
    }
}

#[test]
fn an_answer_that_does_not_come_or_not_end_is_a_response_timeout() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello"] {
        let address = serve(move |mut peer| {
            peer.request();
            peer.write(answer);
            peer.wait_for_the_end();
        });
        let load = load(&address, 0.2, get());
        let report = probe(Load { timeout: Duration::from_millis(200), ..load });
        assert_all(&report, "response-timeout");
    }
}

#[test]
fn a_status_from_500_on_is_a_drop_by_its_code() {
    for status in [500, 502, 503, 599] {
        let handle = move |mut peer: Peer| {
            peer.request();
            peer.write(format!("HTTP/1.1 {status} No\r\ncontent-length: 2\r\n\r\nno"));
            peer.wait_for_the_end();
        };
        assert_served(handle, get(), &format!("http-{status}"));
    }
}

#[test]
fn a_refusal_by_the_application_is_no_drop_but_is_told() {
    let address = serve(|mut peer| {
        peer.request();
        peer.write("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno");
        peer.wait_for_the_end();
    });
    let report = ten(&address, get());
    assert_eq!((report.ledger.ok(), report.ledger.statuses()[&404]), (10, 10));
}

#[test]
fn an_echo_of_something_else_is_a_wrong_body() {
    let address = serve(|mut peer| {
        let mut body = peer.request().map(|request| request.body).unwrap_or_default();
        // The one before's, as a server with a mixed-up buffer sends it.
        body[15] ^= 1;
        peer.answer(&body);
        peer.wait_for_the_end();
    });
    assert_all(&ten(&address, Shape { expect: Expect::Echo, ..post(100) }), "wrong-body");
}

#[test]
fn an_echo_of_the_very_body_is_ok_even_when_it_is_uploaded_slowly() {
    let address = serve(|mut peer| {
        while let Some(request) = peer.request() {
            peer.answer(&request.body);
        }
    });
    let think = Duration::from_millis(200);
    let report = ten(&address, Shape { expect: Expect::Echo, think, ..post(5000) });
    assert_eq!(report.drops(), BTreeMap::new());
    let quickest = report.ledger.latency().min();
    assert!(quickest >= 190_000, "uploaded in {quickest} µs instead of 200 ms");
}

#[test]
fn a_text_that_is_missing_is_a_wrong_body() {
    let address = serve(|mut peer| {
        peer.request();
        peer.answer(b"something else");
        peer.wait_for_the_end();
    });
    assert_all(&ten(&address, Shape { expect: Expect::Contains("welcome".into()), ..get() }), "wrong-body");
    let report = ten(&address, Shape { expect: Expect::Contains("thing el".into()), ..get() });
    assert_eq!(report.drops(), BTreeMap::new());
}

#[test]
fn bytes_that_are_not_http_are_a_protocol_error() {
    let handle = |mut peer: Peer| {
        peer.request();
        peer.write("SSH-2.0-OpenSSH_9.2\r\n");
        peer.wait_for_the_end();
    };
    let report = ten(&serve(handle), get());
    assert_all(&report, "protocol-error");
    assert!(the_cause(&report).contains("HTTP"), "{}", the_cause(&report));
}

#[test]
fn a_drop_is_told_with_its_time_and_its_connection() {
    let address = serve(|mut peer| {
        peer.request();
        peer.answer(b"");
        peer.request();
        peer.reset();
    });
    let shape = Shape { connections: Connections::Kept, pool: 1, ..get() };
    // Far enough apart for a busy machine to answer one before the next: that would take a connection of its own.
    let report = probe(load(&address, 5.0, Shape { rate: 2.0, ..shape }));
    assert_eq!(report.drops(), BTreeMap::from([("reset-before-first-byte".to_owned(), 5)]));
    let loss = &report.ledger.losses()[0];
    let connection = loss.end.connection.unwrap();
    assert_eq!((loss.number, connection.before), (1, 1));
    assert_eq!(connection.remote.to_string(), address);
    assert_eq!(loss.planned, Duration::from_millis(500));
    assert!(loss.sent.unwrap() >= loss.planned && loss.end.at >= loss.sent.unwrap());
    assert_eq!(report.ledger.reused(), 5);
}
