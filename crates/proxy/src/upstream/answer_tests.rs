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
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 120456789012345678\r\n\r\n",
            Framing::Length(120_456_789_012_345_678),
        ),
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
    for (said, read) in [
        ("TimeOut = 20", Some(20_000)),
        ("max=9", None),
        ("timeout=soon", None),
        ("timeout", None),
        ("timeout=18446744073709551615", Some(u64::MAX)),
    ] {
        let text = format!("HTTP/1.1 204 No\r\nKeep-Alive: {said}\r\n\r\n");
        assert_eq!(parse(&text).unwrap().unwrap().0.keep_alive, read, "{said}");
    }
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
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0000000000000000005\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
    ] {
        assert_eq!(parse(text).err(), Some(BadHead), "{text}");
    }
    let start = "HTTP/1.1 200 OK\r\nx: ";
    for (over, refused) in [(0, false), (1, true)] {
        let half = format!("{start}{}", "y".repeat(HEAD_MAX + over - start.len()));
        assert_eq!(parse(&half).is_err(), refused, "half a head");
        let whole = format!("{start}{}\r\n\r\n", "y".repeat(HEAD_MAX + over - start.len() - 4));
        assert_eq!(parse(&whole).is_err(), refused, "a whole head");
    }
}

#[test]
fn an_answer_to_a_head_request_has_no_body_whatever_it_announces() {
    for framing in ["Content-Length: 9", "Transfer-Encoding: chunked", "X-A: b"] {
        let mut input = BytesMut::from(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes());
        let head = AnswerHead::parse(&mut input, &mut HeaderMap::new(), true).unwrap().unwrap();
        assert_eq!((head.framing, head.keep), (Framing::Done, true), "{framing}");
    }
}

#[test]
fn any_number_of_fields_is_read() {
    for count in [FIELDS, FIELDS + 1, 5 * FIELDS] {
        let fields: Vec<_> = (0..count).map(|number| format!("x-{number}: {number}\r\n")).collect();
        let (_, headers, _) = parse(&format!("HTTP/1.1 204 No\r\n{}\r\n", fields.concat())).unwrap().unwrap();
        assert_eq!(headers.len(), count);
        assert_eq!(headers[format!("x-{}", count - 1)], (count - 1).to_string());
    }
}

#[test]
fn what_frames_a_message_goes_on_although_connection_names_it_and_an_upgrade_only_with_a_101() {
    for (text, left) in [
        ("200 OK\r\nConnection: content-length\r\nContent-Length: 0", &["content-length"][..]),
        ("200 OK\r\nProxy-Connection: keep-alive\r\nContent-Length: 0", &["content-length"]),
        ("101 Go\r\nConnection: upgrade\r\nUpgrade: raw", &["upgrade"]),
        ("200 OK\r\nConnection: upgrade\r\nUpgrade: raw", &[]),
    ] {
        let (_, headers, _) = parse(&format!("HTTP/1.1 {text}\r\n\r\n")).unwrap().unwrap();
        let names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, left, "{text}");
    }
}
