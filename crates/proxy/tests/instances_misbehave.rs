//! What a client sees when an instance breaks: the truth, and never a silent second try.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::http::Client;
use crate::support::origin::{Origin, nobody, ok, reset};
use crate::support::{config, pause, pool_of, start, until};
use segue_proxy::{Config, Limits};

/// Sends a GET to a proxy before this one instance and returns the first line's status and the reason.
fn asked(origin: &Origin, config: Config) -> (u16, String) {
    let proxy = start(&pool_of(&[origin.address]), config);
    let answer = Client::connect(proxy.local_addr()).get("/");
    (answer.status(), answer.reason().to_owned())
}

#[test]
pub(crate) fn one_that_closes_without_an_answer_is_a_502_and_not_asked_twice() {
    let asked_times = Arc::new(AtomicUsize::new(0));
    let counted = asked_times.clone();
    let origin = Origin::new(move |mut client| {
        let _ = client.request();
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let pool = pool_of(&[origin.address, origin.address]);
    let proxy = start(&pool, config());
    let answer = Client::connect(proxy.local_addr()).get("/");
    assert_eq!((answer.status(), answer.reason()), (502, "instance-closed"));
    assert_eq!(asked_times.load(Ordering::SeqCst), 1);
    assert_eq!(pool.instances().iter().map(|instance| instance.failed).sum::<u64>(), 1);
}

#[test]
pub(crate) fn one_that_resets_after_the_request_is_a_502() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        reset(client.0.get_ref());
    });
    assert_eq!(asked(&origin, config()), (502, "instance-closed".to_owned()));
}

#[test]
pub(crate) fn what_is_no_http_is_a_502() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        client.send("SSH-2.0-OpenSSH_9.2\r\n");
    });
    assert_eq!(asked(&origin, config()), (502, "bad-answer".to_owned()));
}

#[test]
pub(crate) fn a_switch_of_protocols_that_nobody_asked_for_is_a_502() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        client.send("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n");
    });
    assert_eq!(asked(&origin, config()), (502, "bad-answer".to_owned()));
}

#[test]
pub(crate) fn nobody_listening_is_a_502_after_all_were_tried() {
    let pool = pool_of(&[nobody(), nobody()]);
    let proxy = start(&pool, config());
    let answer = Client::connect(proxy.local_addr()).get("/");
    assert_eq!((answer.status(), answer.reason()), (502, "connect-refused"));
    assert_eq!(pool.instances().iter().map(|instance| instance.requests).collect::<Vec<_>>(), [1, 1]);
}

#[test]
pub(crate) fn one_that_does_not_take_the_connection_is_a_504() {
    // A listener whose queue is full answers no more connection attempts.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let _filling = std::net::TcpStream::connect(address).unwrap();
    let limits = Limits { connect: Duration::from_millis(300), ..Limits::default() };
    let proxy = start(&pool_of(&[address]), Config { limits, ..config() });
    let answer = Client::connect(proxy.local_addr()).get("/");
    assert_eq!((answer.status(), answer.reason()), (504, "connect-timeout"));
}

#[test]
pub(crate) fn one_that_never_answers_is_a_504_where_a_limit_is_set() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        pause(crate::support::PATIENCE);
    });
    let limits = Limits { answer: Some(Duration::from_millis(200)), ..Limits::default() };
    assert_eq!(asked(&origin, Config { limits, ..config() }), (504, "answer-timeout".to_owned()));
}

#[test]
pub(crate) fn an_answer_that_breaks_off_never_looks_complete() {
    for (head, request) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        ),
        // This client knows the end only by the connection's: there a reset tells the difference.
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "GET / HTTP/1.0\r\n\r\n"),
    ] {
        let origin = Origin::new(move |mut client| {
            let _ = client.request();
            client.send(head);
            // What came first is already with the client when the connection breaks off.
            pause(Duration::from_millis(100));
        });
        let pool = pool_of(&[origin.address]);
        let proxy = start(&pool, config());
        let mut client = Client::connect(proxy.local_addr());
        client.send(request);
        let answer = client.try_answer();
        assert!(answer.is_err(), "{request:?} to {head:?} looked complete: {answer:?}");
        until("counted as failed and not in flight", || {
            let view = &pool.instances()[0];
            (view.failed, view.in_flight) == (1, 0)
        });
    }
}

#[test]
pub(crate) fn an_early_answer_to_a_large_upload_reaches_the_client() {
    let origin = Origin::new(|mut client| {
        let _ = client.head();
        client.send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig");
        // It reads on for a while, as a polite server does, but never all.
        let mut some = vec![0; 65536];
        for _ in 0..8 {
            let _ = std::io::Read::read(&mut client.0, &mut some);
        }
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 50000000\r\n\r\n");
    client.send(vec![b'x'; 100_000]);
    let answer = client.answer();
    assert_eq!((answer.status(), answer.text()), (413, "big"));
}

#[test]
pub(crate) fn a_second_answer_that_nobody_asked_for_spoils_only_its_connection() {
    let origin = Origin::answering(|_| [ok("one"), ok("smuggled")].concat());
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    for _ in 0..5 {
        assert_eq!(client.get("/").text(), "one");
    }
    assert_eq!(origin.connections(), 5);
}
