//! Bytes pass as they are, and an end is an end.

use segue_core::pod::Protocol;

use crate::support::TestBed;

/// What an unusual client says, with a body, and what an unusual application answers.
const REQUEST: &str = "POST /a?b HTTP/1.1\r\nhOST: x\r\nX-Odd:   two  spaces \r\ntransfer-ENCODING: chunked\r\n\r\n\
     3;ext=v\r\nabc\r\n0\r\nTrailer: t\r\n\r\n";
const ANSWER: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
     HTTP/1.1 200 Fine By Me\r\nCONTENT-length: 2\r\nx-lower: 1\r\n\r\nok";

#[tokio::test]
async fn a_request_and_its_answer_pass_as_they_are_again_and_again() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    for _ in 0..3 {
        client.say(REQUEST).await;
        application.hears(REQUEST).await;
        application.say(ANSWER).await;
        client.hears(ANSWER).await;
    }
    client.ends().await;
    application.hears_end().await;
    application.ends().await;
    client.hears_end().await;
    let snapshot = bed.until("the connection's end", |snapshot| snapshot.connections == 0).await;
    assert_eq!(snapshot.counters.requests, 3);
    assert_eq!(snapshot.counters.connections, 1);
}

#[tokio::test]
async fn an_end_after_a_whole_request_is_no_cancel() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.ends().await;
    application.hears("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    application.hears_end().await;
    application.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    client.hears("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
}

#[tokio::test]
async fn a_reset_passes_on_to_the_application() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    application.hears("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.resets();
    application.hears_reset().await;
    bed.until("nothing in flight", |snapshot| snapshot.in_flight == 0 && snapshot.connections == 0).await;
}

#[tokio::test]
async fn a_reset_passes_on_to_the_client() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    application.hears("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    application.resets();
    client.hears_reset().await;
    bed.until("nothing in flight", |snapshot| snapshot.in_flight == 0 && snapshot.connections == 0).await;
}

/// Both come before the guard looks: it writes to an application that is gone, with bytes of the client in its hands.
#[tokio::test]
async fn a_request_that_meets_a_reset_ends_its_connection_alone() {
    let bed = TestBed::new().await;
    for body in ["", "xyz"] {
        let (mut client, mut application) = bed.pair().await;
        let request = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{body}");
        client.say(&request).await;
        application.hears(&request).await;
        application.resets();
        client.stream.try_write(&b"12345"[body.len()..]).unwrap();
        client.hears_reset().await;
        let snapshot = bed.until("the connection's end", |snapshot| snapshot.connections == 0).await;
        assert_eq!((snapshot.counters.panics, snapshot.in_flight), (0, 0));
    }
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_does_so() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say("GET / HTTP/1.0\r\n\r\n").await;
    application.hears("GET / HTTP/1.0\r\n\r\n").await;
    application.say("HTTP/1.0 200 OK\r\n\r\nall there").await;
    application.ends().await;
    assert_eq!(client.hears_all().await, b"HTTP/1.0 200 OK\r\n\r\nall there");
}

#[tokio::test]
async fn a_server_that_speaks_first_is_let_speak() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    application.say("220 mail.example ESMTP\r\n").await;
    client.hears("220 mail.example ESMTP\r\n").await;
    client.say("GET is no command of mine\r\n").await;
    application.hears("GET is no command of mine\r\n").await;
    let snapshot = bed.guard.snapshot();
    assert_eq!((snapshot.opaque, snapshot.kept, snapshot.in_flight), (1, 0, 0));
}

/// An answer that nobody asked for: only where HTTP is known to be spoken is it one.
#[tokio::test]
async fn what_looks_like_an_answer_is_one_where_http_is_known_to_be_spoken() {
    const LATE: &str = "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n";
    for (protocol, opaque) in [(Protocol::Auto, 1), (Protocol::Http, 0)] {
        let bed = TestBed::with(protocol, |_| ()).await;
        let (mut client, mut application) = bed.pair().await;
        if opaque == 1 {
            application.say(&LATE[..4]).await;
            client.hears(&LATE[..4]).await;
            application.say(&LATE[4..]).await;
            client.hears(&LATE[4..]).await;
        } else {
            application.say(LATE).await;
            client.hears(LATE).await;
        }
        client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        application.hears("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let snapshot = bed.guard.snapshot();
        assert_eq!((snapshot.opaque, snapshot.in_flight), (opaque, 1 - opaque), "{protocol:?}");
    }
}

/// The application has closed while the client still speaks: what it had said is not taken from the client by a reset,
/// if it may be whole.
#[tokio::test]
async fn an_application_that_hears_no_more_is_seen_by_a_reset_only_where_it_owes_an_answer() {
    const POST: &str = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n";
    const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
    const STREAM: &str = "\0\0\u{1}\u{1}\u{4}\0\0\0\u{1}\u{2}";
    let frames = [&[0, 0x40, 0, 0x63, 0, 0, 0, 0, 0][..], &[0; 0x4000]].concat().repeat(3);
    let (asks, body) = (PREFACE.to_owned() + STREAM, "x".repeat(50_000));
    let body = body.as_bytes();
    for (said, answer, rest, resets) in [
        (POST, "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno", body, false),
        (POST, "HTTP/1.1 413 No\r\n\r\nhalf", body, true),
        (POST, "HTTP/1.1 413 No\r\nContent-Length: 9\r\n\r\nhalf", body, true),
        (PREFACE, &PREFACE[24..], &frames, false),
        (&asks, &PREFACE[24..], &frames, true),
        ("EHLO", "220", body, true),
    ] {
        let bed = TestBed::new().await;
        let (mut client, mut application) = bed.pair().await;
        client.say(said).await;
        application.hears(said).await;
        application.say(answer).await;
        client.hears(answer).await;
        // On one thread the guard sees both at once: the first piece that it writes meets the end, the next a reset.
        rustix::net::shutdown(&application.stream, rustix::net::Shutdown::Both).unwrap();
        assert_eq!(client.stream.try_write(rest).unwrap(), rest.len());
        if resets {
            client.hears_reset().await;
        } else {
            client.hears_end().await;
        }
    }
}

#[tokio::test]
async fn what_is_no_http_passes_and_ends_either_way_round() {
    let bed = TestBed::with(Protocol::Tcp, |_| ()).await;
    let (mut client, mut application) = bed.pair().await;
    client.say("GET / HTTP/1.1\r\nHo").await;
    application.hears("GET / HTTP/1.1\r\nHo").await;
    application.say("anything").await;
    application.ends().await;
    client.hears("anything").await;
    client.hears_end().await;
    client.say("one more").await;
    application.hears("one more").await;
    client.ends().await;
    application.hears_end().await;
    bed.until("the end", |snapshot| snapshot.connections == 0 && snapshot.opaque == 0).await;
}

#[tokio::test]
async fn a_load_balancers_proxy_header_passes_and_http_is_known_behind_it() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    let said = "PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    client.say(said).await;
    application.hears(said).await;
    assert_eq!(bed.guard.snapshot().in_flight, 1);
    // One of version 2 may be longer than a buffer.
    let (mut client, mut application) = bed.pair().await;
    let header = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xc0\0".as_slice(), "G".repeat(0xc000).as_bytes()].concat();
    let said = [&header, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice()].concat();
    tokio::join!(client.say(&said), application.hears(&said));
    assert_eq!(bed.guard.snapshot().in_flight, 2);
}

#[tokio::test]
async fn an_application_that_does_not_listen_means_a_reset() {
    let bed = TestBed::new().await;
    let TestBed { guard, address, application } = bed;
    drop(application);
    let mut client = crate::support::End::new(tokio::net::TcpStream::connect(address).await.unwrap());
    client.hears_reset().await;
    assert_eq!(guard.snapshot().counters.upstream_refused, 1);
}

/// It may still listen, and the guard can't know what for.
#[tokio::test]
async fn what_the_client_says_after_the_applications_last_word_is_for_the_application() {
    let bed =
        TestBed::with(Protocol::Auto, |settings| settings.linger = std::time::Duration::from_mins(1)).await;
    let (mut client, mut application) = bed.pair().await;
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    client.say(request).await;
    application.hears(request).await;
    application.say(last).await;
    application.ends().await;
    client.hears(last).await;
    client.hears_end().await;
    for said in [request, "something else"] {
        client.say(said).await;
        application.hears(said).await;
    }
    client.ends().await;
    application.hears_end().await;
    bed.until("the end", |snapshot| snapshot.connections == 0).await;
}
