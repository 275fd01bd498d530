//! Requests: what their heads say, and where they end.

use crate::events::{Event, requests, shape};
use segue_wire::http1::{Front, MAX_HEAD, RequestHead, RequestKind, RequestReader};

/// The head at the front of `bytes`.
fn head(bytes: &str) -> RequestHead {
    match RequestReader::new().front(bytes.as_bytes()) {
        Front::Head { head, length } => {
            assert_eq!(length, bytes.len());
            head
        }
        other => panic!("{bytes:?} is {other:?}"),
    }
}

/// The lengths of the requests in `bytes`, all of which are whole.
fn lengths(bytes: &str) -> Vec<usize> {
    let (messages, rest) = shape(&requests(bytes.as_bytes(), &[]), |head| head.ends);
    assert_eq!(rest, None, "{bytes:?}");
    messages
}

#[test]
fn a_head_says_what_a_splice_has_to_know() {
    let text = "POST /a?b HTTP/1.1\r\nHost: x\r\nuser-AGENT: probe/1\r\nUser-Agent: other\r\nExpect: 100-Continue\r\n\
                Upgrade: h2c\r\nContent-Length: 3\r\n\r\n";
    let found = head(text);
    assert_eq!(found.kind, RequestKind::Other);
    assert_eq!(&text[found.target], "/a?b");
    assert_eq!(&text[found.user_agent.unwrap()], "probe/1");
    assert!(found.expects_continue && found.upgrade && !found.ends && !found.close && !found.http10);
    let found = head("HEAD / HTTP/1.1\r\n\r\n");
    assert_eq!((found.kind, found.user_agent), (RequestKind::Head, None));
    assert!(!found.expects_continue && !found.upgrade && found.ends);
    assert!(
        !head("GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n").expects_continue,
        "there is nothing to wait for"
    );
    assert_eq!(head("CONNECT a:1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n").kind, RequestKind::Connect);
}

#[test]
fn http_1_0_knows_neither_upgrade_nor_100_continue() {
    let found = head("POST / HTTP/1.0\r\nUpgrade: h2c\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert!(found.http10 && !found.upgrade && !found.expects_continue);
}

#[test]
fn close_is_an_option_in_any_case_and_place_and_the_default_of_http_1_0() {
    for (text, close) in [
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nConnection: a , CLOSE,b\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nConnection: closed\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nX-Connection: close\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", true),
        ("GET / HTTP/1.0\r\nConnection: a\r\nConnection: Keep-Alive\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\nConnection: a\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", true),
    ] {
        assert_eq!(head(text).close, close, "{text:?}");
    }
}

#[test]
fn nothing_is_a_request_behind_one_that_says_close() {
    for (first, next) in [
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
        ("POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", "GET / HTTP/1.1\r\n\r\n"),
    ] {
        let text = [first, next].concat();
        let (messages, rest) = shape(&requests(text.as_bytes(), &[]), |head| head.ends);
        assert_eq!((messages, rest), (vec![first.len()], Some(Event::Opaque(next.len()))));
    }
}

#[test]
fn pipelined_requests_end_where_their_lengths_say() {
    let parts = [
        "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length:   5\r\n\r\nGET /",
        "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00;a=b c\r\nX-Sum: 1\r\nY:\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding:chunked\r\n\r\n00000000000000a\r\n0123456789\r\n0\r\n\r\n",
        "PATCH /x HTTP/1.1\r\ncontent-length:0007\r\n\r\nseven \u{7}",
        "head-like /x HTTP/1.1\r\ncontent-length:0\r\n\r\n",
    ];
    assert_eq!(lengths(&parts.concat()), parts.map(str::len));
}

#[test]
fn a_chunk_may_be_of_any_size_that_programs_can_hold() {
    let mut reader = RequestReader::new();
    assert!(matches!(
        reader.front(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Front::Head { .. }
    ));
    assert_eq!(reader.front(b"fffffffffffffff\r\n"), Front::Body { length: 17, ends: false });
    assert_eq!(reader.front(&[0; 1000]), Front::Body { length: 1000, ends: false });
    let mut reader = RequestReader::new();
    let head = b"POST / HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n\r\n";
    assert!(matches!(reader.front(head), Front::Head { .. }));
    assert_eq!(reader.front(&[0; 1000]), Front::Body { length: 1000, ends: false });
}

#[test]
fn empty_lines_before_a_request_belong_to_none() {
    let mut reader = RequestReader::new();
    assert_eq!(reader.front(b"\r"), Front::More);
    assert_eq!(reader.front(b"\r\n\r\n\r"), Front::Blank { length: 4 });
    assert_eq!(reader.front(b"\r\nGET / HTTP/1.1\r\n\r\n"), Front::Blank { length: 2 });
    assert!(reader.between_messages());
    let text = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n";
    assert!(matches!(reader.front(text), Front::Head { length, .. } if length == text.len()));
    assert!(!reader.between_messages());
    assert_eq!(reader.front(b"\r\n\r\n"), Front::Body { length: 2, ends: true });
    assert!(reader.between_messages());
    assert_eq!(reader.front(b"\r"), Front::More);
    assert_eq!(reader.front(b"\r\n"), Front::Blank { length: 2 });
    assert_eq!(reader.front(b"\0"), Front::Opaque);
}

#[test]
fn a_reader_that_was_told_to_give_up_does_so_in_the_middle_of_a_body() {
    let mut reader = RequestReader::new();
    assert!(matches!(reader.front(b"POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\n"), Front::Head { .. }));
    reader.give_up();
    assert_eq!(reader.front(b"GET / HTTP/1.1\r\n\r\n"), Front::Opaque);
    assert!(!reader.between_messages());
}

#[test]
fn a_field_that_only_resembles_a_length_is_any_field() {
    let first = "POST / HTTP/1.1\r\nContent_Length_: 3\r\nContent_: 3\r\nX_Content-Length: 3\r\nTransfer_Encodings: chunked\r\n\r\n";
    assert_eq!(lengths(&[first, "GET / HTTP/1.1\r\n\r\n"].concat()), [first.len(), 18]);
}

#[test]
fn a_head_may_have_256_fields() {
    let head = |count| format!("GET / HTTP/1.1\r\n{}\r\n", "A:\r\n".repeat(count));
    assert_eq!(lengths(&head(256)), [head(256).len()]);
    assert_eq!(requests(head(257).as_bytes(), &[]), [Event::Opaque(head(257).len())]);
}

/// A head of exactly `length` bytes.
fn long(length: usize) -> Vec<u8> {
    let start = "GET / HTTP/1.1\r\nX: ";
    format!("{start}{}\r\n\r\n", "x".repeat(length - start.len() - 4)).into_bytes()
}

#[test]
fn a_head_is_understood_up_to_its_longest_length() {
    let events = requests(&long(MAX_HEAD), &[5, 5_000, 5_001, MAX_HEAD - 1]);
    assert!(matches!(&events[0], Event::Head(MAX_HEAD, _)), "{events:?}");
    for cuts in [&[] as &[usize], &[5_000, 60_000, MAX_HEAD - 1, MAX_HEAD]] {
        assert_eq!(requests(&long(MAX_HEAD + 1), cuts), [Event::Opaque(MAX_HEAD + 1)]);
    }
    let mut reader = RequestReader::new();
    assert_eq!(reader.front(&long(MAX_HEAD + 1)[..MAX_HEAD - 1]), Front::More);
    assert_eq!(reader.front(&long(MAX_HEAD + 1)[..MAX_HEAD]), Front::Opaque);
}

#[test]
fn another_protocol_is_noticed_at_its_first_bytes() {
    for bytes in [
        b"\x16\x03\x01\x02" as &[u8],
        b"PRI * HTTP/2.0\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"SSH-2.0-x\r\n",
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
        b"\nGET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost",
        b"GET / HTTP/1.1\r\nHost: x\nA",
        b"\r\r",
        b" ",
    ] {
        assert_eq!(RequestReader::new().front(bytes), Front::Opaque, "{bytes:?}");
    }
}
