//! Clients that half-close, vanish, or never read.

use std::io::Read as _;
use std::time::Duration;

use crate::support::http::Client;
use crate::support::origin::{Origin, ok, reset};
use crate::support::{PATIENCE, config, now, pause, pool_of, start, until, wait};
use segue_proxy::{Config, Limits, Proxy};

fn slow() -> Origin {
    Origin::answering(|_| {
        pause(Duration::from_millis(300));
        ok("late")
    })
}

#[test]
pub(crate) fn one_that_half_closes_after_its_request_is_answered() {
    let proxy = start(&pool_of(&[slow().address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
    client.close_sending();
    assert_eq!(client.answer().text(), "late");
    assert!(client.ended());
}

#[test]
pub(crate) fn one_that_resets_lets_its_instance_go() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        // It would take for ever; what ends it is that the proxy closes.
        let _ = client.0.read(&mut [0]);
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    until("in flight", || pool.instances()[0].in_flight == 1);
    reset(client.0.get_ref());
    drop(client);
    until("not in flight any more", || pool.instances()[0].in_flight == 0);
    until("its connection is gone", || proxy.stats().connections == 0);
    assert_eq!(pool.instances()[0].failed, 0, "the instance did nothing wrong");
}

#[test]
pub(crate) fn one_that_resets_in_the_middle_of_its_body_lets_its_instance_go() {
    let pool = pool_of(&[Origin::echo().address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 500\r\n\r\nhello");
    until("in flight", || pool.instances()[0].in_flight == 1);
    reset(client.0.get_ref());
    drop(client);
    until("not in flight any more", || pool.instances()[0].in_flight == 0);
    assert_eq!(pool.instances()[0].failed, 0, "the instance did nothing wrong");
}

#[test]
pub(crate) fn one_that_breaks_its_body_off_is_told() {
    let proxy = start(&pool_of(&[Origin::echo().address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 500\r\n\r\nhello");
    client.close_sending();
    let answer = client.answer();
    assert_eq!((answer.status(), answer.reason()), (400, "bad-body"));
}

/// A proxy with short limits before an instance with an endless answer, and a client that reads none of it.
fn never_reading() -> (Proxy, segue_proxy::Pool, Client) {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
        let piece = vec![b'x'; 1_000_000];
        while std::io::Write::write_all(client.0.get_mut(), &piece).is_ok() {}
    });
    let pool = pool_of(&[origin.address]);
    let limits = Limits { body: Duration::from_millis(500), ..Limits::default() };
    let proxy = start(&pool, Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    (proxy, pool, client)
}

#[test]
pub(crate) fn one_that_never_reads_does_not_hold_its_instance_for_ever() {
    let (proxy, pool, _client) = never_reading();
    until("in flight", || pool.instances()[0].in_flight == 1);
    pool.withdraw("a");
    until("not in flight any more", || pool.instances()[0].in_flight == 0);
    until("its connection is gone", || proxy.stats().connections == 0);
}

#[test]
pub(crate) fn one_that_never_reads_does_not_hold_up_a_drain() {
    let (proxy, pool, _client) = never_reading();
    until("in flight", || pool.instances()[0].in_flight == 1);
    let began = now();
    let drained = wait(proxy.drain(PATIENCE));
    assert_eq!(drained.cut, 0, "the limit of the body ended it, not the deadline");
    assert!(now() - began < PATIENCE);
}

#[test]
pub(crate) fn one_that_sends_nothing_of_its_body_gets_a_408() {
    let limits = Limits { body: Duration::from_millis(200), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 500\r\n\r\nhello");
    let answer = client.answer();
    assert_eq!(
        (answer.status(), answer.reason(), answer.header("connection")),
        (408, "body-timeout", "close")
    );
}

#[test]
pub(crate) fn one_that_sends_its_body_slowly_but_steadily_is_served() {
    let limits = Limits { body: Duration::from_millis(500), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n");
    for _ in 0..10 {
        pause(Duration::from_millis(100));
        client.send("x");
    }
    assert_eq!(client.answer().text(), "xxxxxxxxxx");
}

#[test]
pub(crate) fn one_that_never_ends_its_head_is_closed() {
    let limits = Limits { head: Duration::from_millis(200), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost:");
    assert!(client.ended());
    until("gone", || proxy.stats().connections == 0);
}

#[test]
pub(crate) fn one_that_is_idle_for_too_long_is_closed() {
    let limits = Limits { idle: Duration::from_millis(200), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    let mut silent = Client::connect(proxy.local_addr());
    let mut client = Client::connect(proxy.local_addr());
    assert_eq!(client.get("/").status(), 200);
    assert!(client.ended());
    assert!(silent.ended());
    until("gone", || proxy.stats().connections == 0);
}

#[test]
pub(crate) fn one_that_reads_its_answer_slowly_but_steadily_gets_all_of_it() {
    const SIZE: usize = 3_000_000;
    let origin = Origin::answering(|_| ok(vec![b'x'; SIZE]));
    let limits = Limits { body: Duration::from_millis(400), ..Limits::default() };
    let proxy = start(&pool_of(&[origin.address]), Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    rustix::net::sockopt::set_socket_recv_buffer_size(client.0.get_ref(), 16 * 1024).unwrap();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let _ = client.head().unwrap();
    let (mut read, mut some) = (0, vec![0; 200_000]);
    while read < SIZE {
        pause(Duration::from_millis(60));
        let more = client.0.read(&mut some).unwrap();
        assert!(more > 0, "broke off after {read}");
        read += more;
    }
}
