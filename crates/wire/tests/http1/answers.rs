//! Answers: what their heads say, and where they end, which depends on the request.

use crate::events::{Event, answers, shape};
use segue_wire::http1::{AnswerHead, AnswerReader, Front, RequestKind, Switch};

const ANY: Option<RequestKind> = Some(RequestKind::Other);

/// The head at the front of `bytes`.
fn head(bytes: &str, request: Option<RequestKind>) -> AnswerHead {
    match AnswerReader::new().front(bytes.as_bytes(), request) {
        Front::Head { head, length } => {
            assert_eq!(length, bytes.len());
            head
        }
        other => panic!("{bytes:?} is {other:?}"),
    }
}

#[test]
fn answers_end_where_their_request_and_their_lengths_say() {
    use RequestKind::{Head, Other};
    let parts = [
        (Other, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        (Head, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        (Head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (Head, "HTTP/1.1 200 OK\r\n\r\n"),
        (Other, "HTTP/1.1 304 \r\nContent-Length: 2\r\n\r\n"),
        (Other, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (Other, "HTTP/1.1 204\r\n\r\n"),
        (Other, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        (
            Other,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 205 x\r\ncontent-length: 0\r\n\r\n",
        ),
        (Other, "HTTP/1.1 500 \u{fc}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        (RequestKind::Connect, "HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nx"),
        (Other, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"),
    ];
    let text: Vec<u8> = parts.iter().flat_map(|(_, text)| text.bytes()).collect();
    let (messages, rest) = shape(&answers(&text, &[], &parts.map(|(kind, _)| kind)), |head| head.ends);
    assert_eq!((messages, rest), (parts.map(|(_, text)| text.len()).to_vec(), None));
}

#[test]
fn an_interim_answer_has_no_body_and_is_no_end() {
    for status in [100, 102, 103, 199] {
        let found = head(&format!("HTTP/1.1 {status} x\r\nConnection: close\r\n\r\n"), ANY);
        assert!(found.interim && !found.ends && !found.close && !found.until_close, "{status}");
        assert_eq!((found.status, found.switches), (status, None));
    }
}

#[test]
fn an_answer_of_unknown_length_goes_on_until_the_connection_ends() {
    for text in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n"] {
        let mut reader = AnswerReader::new();
        assert!(matches!(
            reader.front(text.as_bytes(), ANY),
            Front::Head { head: AnswerHead { until_close: true, ends: false, close: true, .. }, .. }
        ));
        for _ in 0..3 {
            assert_eq!(
                reader.front(b"HTTP/1.1 200 OK\r\n\r\n", ANY),
                Front::Body { length: 19, ends: false }
            );
        }
        assert_eq!(reader.front(b"", ANY), Front::More);
        assert!(!reader.between_messages());
    }
}

#[test]
fn an_answer_says_close_by_an_option_or_by_its_version() {
    for (text, close) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n", true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", false),
    ] {
        assert_eq!(head(text, ANY).close, close, "{text:?}");
    }
    let text = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(answers(text.as_bytes(), &[], &[])[1..], [Event::Opaque(19)]);
}

#[test]
fn after_a_switch_the_bytes_are_another_protocol() {
    use RequestKind::{Connect, Head, Other};
    for (text, request, switch) in [
        ("HTTP/1.1 101 x\r\nUpgrade: WebSocket\r\n\r\n", Other, Some(Switch::WebSocket)),
        ("HTTP/1.1 101 x\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n", Other, Some(Switch::H2c)),
        ("HTTP/1.1 101 x\r\nUpgrade: tls/1.3\r\n\r\n", Other, Some(Switch::Other)),
        ("HTTP/1.1 101 x\r\n\r\n", Other, Some(Switch::Other)),
        ("HTTP/1.1 200 x\r\n\r\n", Connect, Some(Switch::Other)),
        ("HTTP/1.1 299 x\r\nTransfer-Encoding: chunked\r\n\r\n", Connect, Some(Switch::Other)),
        ("HTTP/1.1 300 x\r\nContent-Length: 0\r\n\r\n", Connect, None),
        ("HTTP/1.1 200 x\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n", Head, None),
    ] {
        let found = head(text, Some(request));
        assert_eq!((found.switches, found.interim, found.ends), (switch, false, true), "{text:?}");
        let next = "HTTP/1.1 200 OK\r\n\r\n";
        let behind = &answers([text, next].concat().as_bytes(), &[], &[request])[1];
        assert_eq!(*behind == Event::Opaque(next.len()), switch.is_some(), "{text:?}");
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_framed_like_any() {
    let found = head("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 3\r\n\r\n", None);
    assert!(found.close && !found.ends && !found.until_close);
}

#[test]
fn bytes_that_are_no_answer_are_noticed_at_once() {
    for bytes in [
        b"220 smtp ready\r\n" as &[u8],
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"\nHTTP/1.1 200 OK\r\n\r\n",
        b"\x15\x03\x01",
        b"HTTP/2.0 200 OK\r\n",
        b"HTTP/1.1 20 OK\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
    ] {
        assert_eq!(AnswerReader::new().front(bytes, ANY), Front::Opaque, "{bytes:?}");
    }
    let mut reader = AnswerReader::new();
    reader.give_up();
    assert_eq!(reader.front(b"HTTP/1.1 200 OK\r\n\r\n", ANY), Front::Opaque);
}
