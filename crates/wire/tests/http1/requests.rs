//! Requests: where they end, and which are left alone.

use crate::events::{Event, requests, shape};
use segue_wire::http1::{Front, MAX_HEAD, RequestHead, RequestKind, RequestReader};

/// The head at the front of `bytes`.
fn head(bytes: &str) -> RequestHead {
    match RequestReader::new().front(bytes.as_bytes()) {
        Front::Head { head, .. } => head,
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
    let text = "POST /a?b HTTP/1.1\r\nHost: x\r\nuser-AGENT: probe/1\r\nExpect: 100-Continue\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\n";
    let head = head(text);
    assert_eq!(head.kind, RequestKind::Other);
    assert_eq!(&text[head.target.clone()], "/a?b");
    assert_eq!(&text[head.user_agent.clone().unwrap()], "probe/1");
    assert!(head.expects_continue && head.upgrade && !head.ends && !head.close && !head.http10);
}

#[test]
fn pipelined_requests_end_where_their_lengths_say() {
    let parts = [
        "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /",
        "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00;a=b c\r\nX-Sum: 1\r\nY:\r\n\r\n",
        "HEAD /x HTTP/1.1\r\ncontent-length:0\r\n\r\n",
    ];
    assert_eq!(lengths(&parts.concat()), parts.map(str::len));
    let _ = (Event::<()>::Left(0), MAX_HEAD);
}
