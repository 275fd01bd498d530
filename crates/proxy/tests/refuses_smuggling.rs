//! Requests whose end two readers could see in different places do not reach an instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::http::{Client, Message};
use crate::support::origin::{Origin, ok};
use crate::support::{config, pool_of, start};

/// An answer that says how the request's end was told to the instance.
fn framing(request: &Message) -> Vec<u8> {
    assert!(!request.first.contains("smuggled"), "{request:?}");
    let (length, coding) = (request.header("content-length"), request.header("transfer-encoding"));
    ok(format!("{length}|{coding}|{}", request.body.len()))
}

#[test]
pub(crate) fn ambiguous_requests_are_refused_or_made_unambiguous() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    let origin = Origin::answering(move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        framing(request)
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    for (fields, status) in [
        ("content-length: 5\r\ncontent-length: 6", 400),
        ("content-length: 5, 6", 400),
        ("content-length: +5", 400),
        ("content-length: 5x", 400),
        ("content-length : 5", 400),
        ("transfer-encoding: gzip", 400),
        ("transfer-encoding: chunked, gzip", 400),
        ("transfer-encoding: xchunked", 400),
        (" transfer-encoding: chunked", 400),
        ("host: b", 400),
    ] {
        let mut client = Client::connect(proxy.local_addr());
        client.send(format!(
            "POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
        ));
        let answer = client.answer();
        assert_eq!((answer.status(), answer.reason()), (status, "bad-request"), "{fields}");
        assert!(client.ended() || answer.status() == 400, "{fields}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[test]
pub(crate) fn a_length_beside_chunks_does_not_reach_the_instance() {
    let origin = Origin::answering(framing);
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 45\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    let answer = client.answer();
    if answer.status() == 200 {
        assert_eq!(answer.text(), "|chunked|3");
    } else {
        assert_eq!((answer.status(), answer.reason()), (400, "bad-request"));
    }
}

#[test]
pub(crate) fn a_coding_that_the_proxy_would_have_to_undo_is_refused() {
    let origin = Origin::answering(framing);
    let proxy = start(&pool_of(&[origin.address]), config());
    for (fields, status, reason) in [
        ("transfer-encoding: gzip, chunked", 501, "coding-not-carried"),
        ("transfer-encoding: gzip\r\ntransfer-encoding: chunked", 501, "coding-not-carried"),
        ("transfer-encoding: xchunked\r\ntransfer-encoding: chunked", 501, "coding-not-carried"),
        ("transfer-encoding: identity, chunked", 501, "coding-not-carried"),
        ("transfer-encoding: chunked, chunked", 400, "bad-request"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: chunked", 400, "bad-request"),
        ("transfer-encoding: chunked\r\ncontent-length: 3", 400, "bad-request"),
        ("content-length: 3\r\ntransfer-encoding: chunked", 400, "bad-request"),
        ("content-length: 3\r\ntransfer-encoding: gzip, chunked", 400, "bad-request"),
    ] {
        let mut client = Client::connect(proxy.local_addr());
        let behind = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
        client.send(format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n3\r\nabc\r\n0\r\n\r\n{behind}"));
        let answer = client.answer();
        assert_eq!((answer.status(), answer.reason()), (status, reason), "{fields}");
        assert_eq!(answer.header("connection"), "close", "{fields}");
        assert!(client.ended(), "{fields}");
    }
    assert_eq!(origin.connections(), 0);
}

#[test]
pub(crate) fn ambiguous_answers_are_refused() {
    for fields in [
        "content-length: 3\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 3",
        "content-length: 3\r\ncontent-length: 4",
        "content-length: 3\r\ncontent-length: 3",
        "content-length: 3, 3",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: gzip\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, gzip",
    ] {
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
        let origin = Origin::answering(move |_| text.clone().into_bytes());
        let proxy = start(&pool_of(&[origin.address]), config());
        let answer = Client::connect(proxy.local_addr()).get("/");
        assert_eq!((answer.status(), answer.reason()), (502, "bad-answer"), "{fields}");
    }
}

#[test]
pub(crate) fn malformed_chunks_of_a_client_are_refused() {
    let origin = Origin::echo();
    let proxy = start(&pool_of(&[origin.address]), config());
    for chunks in ["x\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "-3\r\nabc\r\n0\r\n\r\n"] {
        let mut client = Client::connect(proxy.local_addr());
        client.send(format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"));
        let answer = client.answer();
        assert_eq!((answer.status(), answer.reason()), (400, "bad-body"), "{chunks:?}");
    }
}

#[test]
pub(crate) fn a_request_without_a_host_or_for_a_tunnel_is_refused() {
    let proxy = start(&pool_of(&[Origin::echo().address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.answer().reason(), "bad-request");
    client.send("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status(), answer.reason()), (501, "method-not-carried"));
}
