//! A request that comes in pieces is the same request, however long the pieces take.

use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::support::http::Client;
use crate::support::origin::{Origin, ok};
use crate::support::{PATIENCE, config, pause, pool_of, start, until, wait};
use segue_proxy::{Config, Limits};

/// Longer than a connection keeps its buffers between two requests.
const REST: Duration = Duration::from_millis(600);

const FIRST: &str = "GET /first HTTP/1.1\r\nhost: a\r\n\r\n";

/// Were the front of this request lost, the value of its first header would be a request.
const SECOND: &str =
    "POST /second HTTP/1.1\r\nx: GET /smuggled HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";

/// An instance that notes the first lines of its requests.
fn noting() -> (Origin, Arc<Mutex<Vec<String>>>) {
    let noted: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = noted.clone();
    let origin = Origin::answering(move |request| {
        list.lock().unwrap().push(request.first.clone());
        ok(format!("{} {}", request.first, request.body.len()))
    });
    (origin, noted)
}

#[test]
pub(crate) fn a_pipelined_pair_may_rest_at_any_byte() {
    let (origin, noted) = noting();
    let proxy = start(&pool_of(&[origin.address]), config());
    let pair = [FIRST, SECOND].concat();
    let mut clients: Vec<_> = (1..pair.len())
        .map(|split| {
            let mut client = Client::connect(proxy.local_addr());
            client.send(&pair[..split]);
            (split, client)
        })
        .collect();
    pause(REST);
    for (split, client) in &mut clients {
        client.send(&pair[*split..]);
    }
    for (split, client) in &mut clients {
        assert_eq!(client.answer().text(), "GET /first HTTP/1.1 0", "split at {split}");
        assert_eq!(client.answer().text(), "POST /second HTTP/1.1 5", "split at {split}");
    }
    let noted = noted.lock().unwrap();
    assert_eq!(noted.len(), 2 * clients.len());
    assert!(noted.iter().all(|line| !line.contains("smuggled")), "{noted:?}");
}

#[test]
pub(crate) fn a_request_may_rest_at_every_byte_in_turn() {
    let (origin, noted) = noting();
    let proxy = start(&pool_of(&[origin.address]), config());
    let clients: Vec<_> = (0..2)
        .map(|_| {
            let mut client = Client::connect(proxy.local_addr());
            thread::spawn(move || {
                for byte in SECOND.bytes() {
                    client.send([byte]);
                    pause(Duration::from_millis(20));
                }
                client.answer().text().to_owned()
            })
        })
        .collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), "POST /second HTTP/1.1 5");
    }
    assert_eq!(*noted.lock().unwrap(), ["POST /second HTTP/1.1"; 2]);
}

#[test]
pub(crate) fn half_a_head_behind_another_request_counts_as_a_head() {
    let limits = Limits { head: Duration::from_millis(400), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    client.send([FIRST, &SECOND[..20]].concat());
    assert_eq!(client.answer().text(), "GET /first HTTP/1.1");
    // Far sooner than an idle connection would be closed.
    assert!(client.ended());
    until("gone", || proxy.stats().connections == 0);
}

#[test]
pub(crate) fn behind_a_body_that_cannot_be_followed_the_connection_ends_although_its_answer_had_begun() {
    let origin = Origin::new(|mut client| {
        let Ok(mut asked) = client.head() else { return };
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
        client.body(&mut asked, true).unwrap();
        client.send("ok");
        let _ = client.head();
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut answer = client.head().unwrap();
    assert_eq!(answer.header("connection"), "");
    client.send("3 \r\nabc\r\n0\r\n\r\n");
    client.body(&mut answer, false).unwrap();
    assert_eq!(answer.text(), "ok");
    assert!(client.ended());
}

#[test]
pub(crate) fn empty_lines_between_requests_begin_none() {
    let limits = Limits { head: Duration::from_millis(200), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    for _ in 0..2 {
        client.send([FIRST, "\r\n"].concat());
        assert_eq!(client.answer().text(), "GET /first HTTP/1.1");
        pause(REST);
    }
    assert_eq!(client.get("/").text(), "GET / HTTP/1.1");
}

#[test]
pub(crate) fn a_drain_waits_for_a_head_that_began() {
    let (origin, noted) = noting();
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send([FIRST, &SECOND[..20]].concat());
    assert_eq!(client.answer().header("connection"), "");
    let (address, draining) = (proxy.local_addr(), thread::spawn(move || wait(proxy.drain(PATIENCE))));
    until("draining", || std::net::TcpStream::connect(address).is_err());
    pause(REST);
    client.send(&SECOND[20..]);
    let answer = client.answer();
    assert_eq!((answer.text(), answer.header("connection")), ("POST /second HTTP/1.1 5", "close"));
    assert!(client.ended());
    assert_eq!(draining.join().unwrap().cut, 0);
    assert_eq!(noted.lock().unwrap().len(), 2);
}

#[test]
pub(crate) fn what_is_behind_a_last_answer_is_never_carried_out_and_takes_nothing_away() {
    let noted: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = noted.clone();
    let origin = Origin::answering(move |request| {
        list.lock().unwrap().push(request.first.clone());
        pause(REST);
        ok("x".repeat(200_000))
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut clients: Vec<_> = (0..SECOND.len())
        .step_by(9)
        .map(|split| {
            let mut client = Client::connect(proxy.local_addr());
            client.send([FIRST, &SECOND[..split]].concat());
            (split, client)
        })
        .collect();
    until("all are in flight", || proxy.stats().in_flight == clients.len() as u64);
    let (address, draining) = (proxy.local_addr(), thread::spawn(move || wait(proxy.drain(PATIENCE))));
    until("draining", || std::net::TcpStream::connect(address).is_err());
    for (split, client) in &mut clients {
        client.send(&SECOND[*split..]);
    }
    for (split, client) in &mut clients {
        let answer = client.answer();
        assert_eq!((answer.body.len(), answer.header("connection")), (200_000, "close"), "split at {split}");
        assert!(client.ended(), "split at {split}");
    }
    assert_eq!(draining.join().unwrap().cut, 0);
    let noted = noted.lock().unwrap();
    assert!(noted.iter().all(|line| line == "GET /first HTTP/1.1"), "{noted:?}");
}
