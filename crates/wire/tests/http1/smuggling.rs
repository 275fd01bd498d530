//! Shapes that make two programs see different messages in the same bytes. All of them are left alone.

use crate::events::{Event, answers, requests};
use segue_wire::http1::{AnswerReader, Front, RequestKind, RequestReader};

/// Fields that leave open where a message ends, whoever sends them.
const FIELDS: &[&str] = &[
    // Two answers to one question.
    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "Content-Length: 3\r\nContent-Length: 4\r\n",
    "Content-Length: 3\r\nContent-Length: 3\r\n",
    "Content-Length: 0\r\nContent-Length: 0\r\n",
    "Content-Length: 3, 3\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    // Lengths that are not plain digits.
    "Content-Length: +3\r\n",
    "Content-Length: -3\r\n",
    "Content-Length: 0x3\r\n",
    "Content-Length: 3.0\r\n",
    "Content-Length: 3 4\r\n",
    "Content-Length: 3;\r\n",
    "Content-Length: \"3\"\r\n",
    "Content-Length: \u{663}\r\n",
    "Content-Length: 9223372036854775808\r\n",
    "Content-Length: 18446744073709551619\r\n",
    "Content-Length: 99999999999999999999999\r\n",
    "Content-Length:\r\n",
    "Content-Length: \r\n",
    // Codings that are not plainly `chunked`.
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, gzip\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: ,chunked\r\n",
    "Transfer-Encoding: chunked;q=1\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding: 'chunked'\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding:\r\n",
    // White space that is not a plain space before the value.
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding\t: chunked\r\n",
    "Content-Length : 3\r\n",
    "Transfer-Encoding:\tchunked\r\n",
    "Transfer-Encoding: \tchunked\r\n",
    "Transfer-Encoding: chunked \r\n",
    "Transfer-Encoding: chunked\t\r\n",
    "Transfer-Encoding: \u{a0}chunked\r\n",
    "Transfer-Encoding: \x0bchunked\r\n",
    "Content-Length:\t3\r\n",
    "Content-Length: 3 \r\n",
    " Content-Length: 3\r\n",
    "\tTransfer-Encoding: chunked\r\n",
    // Folded lines.
    "Transfer-Encoding:\r\n chunked\r\n",
    "X: y\r\n Transfer-Encoding: chunked\r\n",
    "X: y\r\n\tz\r\n",
    "Content-Length: 3\r\n 4\r\n",
    // Ends of lines.
    "X: y\nContent-Length: 3\r\n",
    "X: y\n",
    "X: y\rContent-Length: 3\r\n",
    "X: y\r\r\n",
    "X: y\r\n\rContent-Length: 3\r\n",
    "\nContent-Length: 3\r\n",
    "Content-Length: 3\n",
    // Names.
    "Content_Length: 3\r\n",
    "TRANSFER_encoding: chunked\r\n",
    "Transfer-Encoding\0: chunked\r\n",
    "Transfer Encoding: chunked\r\n",
    "Transfer-Encoding chunked\r\n",
    "Content-Length\r\n",
    ": 3\r\n",
    "Content-L\u{e9}ngth: 3\r\n",
    "(Content-Length): 3\r\n",
    // Bytes that end a string for some.
    "X: a\0b\r\n",
    "X: a\x7fb\r\n",
    "X: a\x01b\r\n",
    "Transfer-Encoding: chunked\0\r\n",
];

/// Chunked bodies that can be read in two ways, up to the byte that is out of place.
const CHUNKS: &[(&str, &str)] = &[
    ("", "\r\n0\r\n\r\n"),
    ("", ";a\r\n"),
    ("", "-1\r\n"),
    ("", "+1\r\n"),
    ("", " 1\r\na\r\n"),
    ("", "g\r\n"),
    ("", "\"1\"\r\n"),
    ("0", "x1\r\n"),
    ("1", " \r\na\r\n0\r\n\r\n"),
    ("1", "\t;a\r\na\r\n0\r\n\r\n"),
    ("1", "\na\r\n0\r\n\r\n"),
    ("1\r", "\r\na\r\n"),
    ("1\r", "a\r\n0\r\n\r\n"),
    ("1;a", "\na\r\n0\r\n\r\n"),
    ("1;a\r", "b\r\na\r\n0\r\n\r\n"),
    ("1;a=", "\"\r\na\r\n0\r\n\r\n\"\r\n"),
    ("1;a", "\0\r\n"),
    ("1;a", "\x0b\r\n"),
    ("1;a", "\u{e9}\r\n"),
    ("1;a", "\x7f\r\n"),
    ("1\r\na", "b\r\n0\r\n\r\n"),
    ("1\r\na", "\n0\r\n\r\n"),
    ("1\r\na", "0\r\n\r\n"),
    ("1\r\na\r", "\r\n0\r\n\r\n"),
    ("1\r\na\r", "0\r\n\r\n"),
    ("1\r\na\r\n", "\r\n0\r\n\r\n"),
    ("000000000000000", "1\r\na\r\n0\r\n\r\n"),
    ("fffffffffffffff", "f\r\n"),
    ("0\r", "X: y\r\n\r\n"),
    ("0\r", "\r\n\r\n"),
    ("0\r\n", "\n"),
    ("0\r\n", " X: y\r\n\r\n"),
    ("0\r\n", ": y\r\n\r\n"),
    ("0\r\n\r", "\r\n"),
    ("0\r\n\r", "GET / HTTP/1.1\r\n\r\n"),
    ("0\r\nX", "\r\n\r\n"),
    ("0\r\nX", " : y\r\n\r\n"),
    ("0\r\nX: y", "\n\r\n"),
    ("0\r\nX: y\r", "\r\n\r\n"),
    ("0\r\nX: y\r", "Z: \r\n\r\n"),
    ("0\r\nX: y\r\n", " z\r\n\r\n"),
    ("0\r\nX: y", "\0\r\n\r\n"),
];

/// First lines that are not plainly a request's.
const REQUEST_LINES: &[&str] = &[
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    "GET\t/ HTTP/1.1",
    "GET / HTTP/1.1 ",
    " GET / HTTP/1.1",
    "GET / HTTP/1.1\r",
    "GET / HTTP/1.1\n",
    "GET / HTTP/1.2",
    "GET / HTTP/2.0",
    "GET / HTTP/11",
    "GET / http/1.1",
    "GET / HTTP/1.1 HTTP/1.1",
    "GET /a b HTTP/1.1",
    "GET /\0 HTTP/1.1",
    "GET /",
    "GET",
    "G\0T / HTTP/1.1",
    "head / HTTP/1.1",
    "Connect a:1 HTTP/1.1",
];

/// Whole heads of requests that are open to more than one reading though each line is plain.
const REQUESTS: &[&str] = &[
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nContent-Length: 3\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: y 100-continue\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: \r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n",
    "POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 200-ok\r\n\r\n",
    "GET / HTTP/1.1\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\n",
    "GET / HTTP/1.1\r\n\n",
];

/// The same of answers.
const ANSWERS: &[&str] = &[
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n",
    "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n",
    "HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 101 Switch\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\n",
    "HTTP/1.1 101 Switch\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
    "HTTP/1.1 200 OK\r\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n",
];

/// Every cut of `bytes` in two, and none.
fn cuts(bytes: &[u8]) -> impl Iterator<Item = Vec<usize>> {
    (0..=bytes.len()).map(|cut| vec![cut]).chain([(0..bytes.len()).collect()])
}

#[track_caller]
fn request_is_opaque(text: &str, length: usize) {
    for cuts in cuts(text.as_bytes()) {
        let events = requests(text.as_bytes(), &cuts);
        assert_eq!(events.last(), Some(&Event::Opaque(length)), "{text:?} in slices that end at {cuts:?}");
    }
}

#[track_caller]
fn answer_is_opaque(text: &str, length: usize) {
    for kind in [RequestKind::Other, RequestKind::Head, RequestKind::Connect] {
        // Behind the head of these there is no chunked body.
        if length < text.len() && kind != RequestKind::Other {
            continue;
        }
        for cuts in cuts(text.as_bytes()) {
            let events = answers(text.as_bytes(), &cuts, &[kind]);
            assert_eq!(
                events.last(),
                Some(&Event::Opaque(length)),
                "{text:?} in slices that end at {cuts:?}"
            );
        }
    }
}

#[test]
fn fields_that_leave_a_length_open_make_a_message_opaque() {
    for fields in FIELDS {
        for before in ["", "Host: x\r\n"] {
            let text = format!("POST / HTTP/1.1\r\n{before}{fields}\r\nabc");
            request_is_opaque(&text, text.len());
            let text = format!("HTTP/1.1 200 OK\r\n{before}{fields}\r\nabc");
            answer_is_opaque(&text, text.len());
        }
    }
}

#[test]
fn chunks_that_are_open_to_two_readings_end_what_is_understood() {
    for (good, bad) in CHUNKS {
        let text = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{good}{bad}");
        request_is_opaque(&text, bad.len());
        let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{good}{bad}");
        answer_is_opaque(&text, bad.len());
    }
}

#[test]
fn first_lines_and_heads_that_are_read_in_two_ways_are_opaque() {
    for line in REQUEST_LINES {
        let text = format!("{line}\r\nHost: x\r\n\r\n");
        request_is_opaque(&text, text.len());
    }
    for text in REQUESTS {
        request_is_opaque(text, text.len());
    }
    for text in ANSWERS {
        for cuts in cuts(text.as_bytes()) {
            let events = answers(text.as_bytes(), &cuts, &[RequestKind::Other]);
            assert_eq!(events, [Event::Opaque(text.len())], "{text:?} in slices that end at {cuts:?}");
        }
    }
}

#[test]
fn what_is_opaque_stays_so_whatever_follows() {
    let (asked, answered) = ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n");
    for bad in [&b"\0"[..], b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n"] {
        let (mut requests, mut answers) = (RequestReader::new(), AnswerReader::new());
        assert_eq!((requests.front(bad), answers.front(bad, None)), (Front::Opaque, Front::Opaque));
        assert_eq!(requests.front(asked.as_bytes()), Front::Opaque);
        assert_eq!(answers.front(answered.as_bytes(), None), Front::Opaque);
    }
    let mut requests = RequestReader::new();
    let head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(matches!(requests.front(head), Front::Head { .. }));
    assert_eq!(requests.front(b"x"), Front::Opaque);
    assert_eq!(requests.front(b"0\r\n\r\n"), Front::Opaque);
}
