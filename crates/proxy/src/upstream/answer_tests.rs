//! Tests of the heads of answers.

use super::*;

fn parse(text: &str) -> Result<Option<(AnswerHead, HeaderMap, usize)>, BadHead> {
    let mut input = BytesMut::from(text.as_bytes());
    let mut headers = HeaderMap::new();
    let head = AnswerHead::parse(&mut input, &mut headers, false)?;
    Ok(head.map(|head| (head, headers, input.len())))
}

#[test]
fn a_head_is_taken_and_the_rest_left() {
    let (head, headers, left) =
        parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\nX-E:\r\nX-F: \t \r\nX-G: b \r\n\r\nhello")
            .unwrap()
            .unwrap();
    assert_eq!((head.status, head.framing, head.keep, left), (StatusCode::OK, Framing::Length(5), true, 5));
    assert_eq!(headers["x-a"], "b");
    for (name, value) in [("x-e", ""), ("x-f", ""), ("x-g", "b")] {
        assert_eq!(headers[name], value, "{name}");
    }
}

#[test]
fn half_a_head_is_waited_for() {
    assert!(parse("HTTP/1.1 200 OK\r\nContent-Le").unwrap().is_none());
}

#[test]
fn the_end_of_a_body_follows_the_standard() {
    for (text, framing) in [
        ("HTTP/1.1 204 No\r\n\r\n", Framing::Done),
        ("HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", Framing::Done),
        ("HTTP/1.1 100 Go\r\n\r\n", Framing::Done),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Framing::Chunked(Chunk::Size)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Framing::Done),
        ("HTTP/1.1 200 OK\r\n\r\n", Framing::UntilClose),
        ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", Framing::Length(3)),
    ] {
        assert_eq!(parse(text).unwrap().unwrap().0.framing, framing, "{text}");
    }
}

#[test]
fn whether_the_connection_is_kept_follows_the_standard() {
    for (text, keep) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x-a, close\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true),
    ] {
        assert_eq!(parse(text).unwrap().unwrap().0.keep, keep, "{text}");
    }
}

#[test]
fn the_instances_keep_alive_timeout_is_read() {
    let (head, headers, _) =
        parse("HTTP/1.1 204 No\r\nConnection: keep-alive\r\nKeep-Alive: max=9, timeout=1\r\n\r\n")
            .unwrap()
            .unwrap();
    assert_eq!(head.keep_alive, Some(1000));
    assert!(headers.is_empty(), "both concern this connection only: {headers:?}");
}

#[test]
fn headers_of_the_connection_do_not_go_on() {
    let (_, headers, _) = parse(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x-mine\r\nX-Mine: 1\r\nUpgrade: h2c\r\nX-Yours: 2\r\n\r\n",
    )
    .unwrap()
    .unwrap();
    let names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["content-length", "x-yours"]);
}

#[test]
fn what_is_no_answer_or_ambiguous_is_refused() {
    for text in [
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 999999 X\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
    ] {
        assert_eq!(parse(text).err(), Some(BadHead), "{text}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD_MAX));
    assert!(parse(&endless).is_err());
}
