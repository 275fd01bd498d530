//! The proxy's own way out.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::support::http::Client;
use crate::support::http2::{DATA, END_STREAM, Frames};
use crate::support::origin::{Origin, ok};
use crate::support::{PATIENCE, config, now, pause, pool_of, start, until, wait};
use segue_proxy::{Config, Drained, Limits, Proxy};

fn slow(milliseconds: u64) -> Origin {
    Origin::answering(move |_| {
        pause(Duration::from_millis(milliseconds));
        ok("late")
    })
}

#[test]
pub(crate) fn what_is_in_flight_is_finished_with_connection_close() {
    let pool = pool_of(&[slow(500).address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    until("in flight", || proxy.stats().in_flight == 1);
    let address = proxy.local_addr();
    let draining = thread::spawn(move || (wait(proxy.drain(PATIENCE)), proxy));
    until("nobody is let in any more", || TcpStream::connect(address).is_err());
    let answer = client.answer();
    assert_eq!((answer.text(), answer.header("connection")), ("late", "close"));
    assert!(client.ended());
    let (drained, proxy) = draining.join().unwrap();
    assert_eq!((drained, proxy.stats().connections), (Drained { cut: 0 }, 0));
}

#[test]
pub(crate) fn idle_connections_are_closed_and_hold_nothing_up() {
    let proxy = start(&pool_of(&[Origin::echo().address]), config());
    let mut used = Client::connect(proxy.local_addr());
    used.get("/");
    let mut silent = Client::connect(proxy.local_addr());
    until("both are here", || proxy.stats().connections == 2);
    let began = now();
    assert_eq!(wait(proxy.drain(PATIENCE)).cut, 0);
    assert!(now() - began < PATIENCE / 2);
    assert!(used.ended() && silent.ended());
}

#[test]
pub(crate) fn a_client_that_keeps_asking_is_sent_away_by_its_next_answer() {
    let proxy = start(&pool_of(&[slow(20).address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.get("/");
    let asking = thread::spawn(move || {
        let mut answers = 0;
        loop {
            let answer = client.get("/");
            assert_eq!(answer.status(), 200);
            answers += 1;
            if answer.header("connection") == "close" {
                return (answers, client.ended());
            }
        }
    });
    until("it keeps asking", || proxy.stats().requests > 3);
    assert_eq!(wait(proxy.drain(PATIENCE)).cut, 0);
    let (answers, ended) = asking.join().unwrap();
    assert!(answers > 1 && ended);
}

#[test]
pub(crate) fn what_outlives_the_deadline_is_cut_counted_and_told() {
    let proxy = start(&pool_of(&[slow(60_000).address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    until("in flight", || proxy.stats().in_flight == 1);
    assert_eq!(wait(proxy.drain(Duration::from_millis(200))), Drained { cut: 1 });
    let answer = client.answer();
    assert_eq!((answer.status(), answer.reason()), (504, "cut-at-deadline"));
    assert_eq!((proxy.stats().cut, proxy.stats().connections), (1, 0));
}

#[test]
pub(crate) fn an_http_2_client_that_takes_the_tail_of_its_answers_slowly_but_steadily_gets_all_of_it() {
    const ANSWERS: u32 = 12;
    let origin = Origin::answering(|_| ok(vec![b'x'; 100_000]));
    let limits = Limits { head: Duration::from_millis(1500), ..Limits::default() };
    // What the proxy has written must not all rest in the kernel.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, 16 * 1024).unwrap();
    let proxy = Proxy::start(listener, pool_of(&[origin.address]), Config { limits, ..config() }).unwrap();
    let mut client = Frames::connect(proxy.local_addr());
    rustix::net::sockopt::set_socket_recv_buffer_size(&client.0, 16 * 1024).unwrap();
    for stream in 0..ANSWERS {
        client.ask(2 * stream + 1, &[]);
    }
    until("all were asked", || proxy.stats().requests == u64::from(ANSWERS));
    let draining = thread::spawn(move || wait(proxy.drain(PATIENCE)));
    let (mut came, mut some) = (Vec::new(), vec![0; 20_000]);
    while ends(&came) < ANSWERS {
        pause(Duration::from_millis(100));
        let more = client.0.read(&mut some).unwrap();
        assert!(more > 0, "broke off after {}", came.len());
        came.extend(&some[..more]);
    }
    drop(client);
    assert_eq!(draining.join().unwrap().cut, 0);
}

#[test]
pub(crate) fn after_the_deadline_half_a_head_is_waited_for_no_longer() {
    let limits = Limits { head: 10 * PATIENCE, ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HT");
    until("it is here", || proxy.stats().connections == 1);
    let drained = wait(async { tokio::time::timeout(PATIENCE, proxy.drain(Duration::ZERO)).await });
    assert_eq!(drained, Ok(Drained { cut: 0 }));
    until("it is gone", || proxy.stats().connections == 0);
}

/// How many answers have ended in these frames.
fn ends(mut frames: &[u8]) -> u32 {
    let mut ends = 0;
    while let [high, middle, low, kind, flags, ..] = *frames {
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let Some(rest) = frames.get(9 + length..) else { break };
        ends += u32::from(kind == DATA && flags & END_STREAM != 0);
        frames = rest;
    }
    ends
}

#[test]
pub(crate) fn a_dropped_proxy_closes_everything() {
    let proxy = start(&pool_of(&[Origin::echo().address]), config());
    let address = proxy.local_addr();
    let mut client = Client::connect(address);
    client.get("/");
    drop(proxy);
    assert!(matches!(client.0.read(&mut [0]), Ok(0) | Err(_)));
    until("nobody listens", || TcpStream::connect(address).is_err());
}
