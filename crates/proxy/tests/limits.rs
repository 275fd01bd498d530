//! Past a limit there is a clear answer.

use std::time::Duration;

use crate::support::http::Client;
use crate::support::origin::{Origin, ok};
use crate::support::{alone, config, now, pause, pool_of, start, until};
use segue_proxy::{Config, Limits};

#[test]
pub(crate) fn a_head_that_is_too_large_gets_a_431() {
    for header_bytes in [1000, 16 * 1024] {
        let limits = Limits { header_bytes, ..Limits::default() };
        let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
        let mut client = Client::connect(proxy.local_addr());
        let field = |length| format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(length));
        client.send(field(header_bytes / 2));
        assert_eq!(client.answer().status(), 200);
        client.send(field(header_bytes + 5000));
        let answer = client.answer();
        assert_eq!((answer.status(), answer.reason()), (431, "header-too-large"));
        assert_eq!(proxy.stats().own_answers["header-too-large"], 1);
    }
}

#[test]
pub(crate) fn what_is_no_http_gets_a_400() {
    let proxy = start(&pool_of(&[Origin::echo().address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("\x16\x03\x01 this is not HTTP\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status(), answer.reason()), (400, "bad-request"));
}

#[test]
pub(crate) fn one_connection_too_many_gets_a_503_and_the_others_go_on() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let origin = Origin::answering(|request| {
        pause(Duration::from_millis(if request.first.contains("slow") { 1500 } else { 0 }));
        ok("x")
    });
    let proxy = start(&pool_of(&[origin.address]), Config { limits, ..config() });
    let mut first = Client::connect(proxy.local_addr());
    let mut second = Client::connect(proxy.local_addr());
    assert_eq!((first.get("/").status(), second.get("/").status()), (200, 200));
    // Idle, they would make room.
    for client in [&mut first, &mut second] {
        client.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
    }
    until("both are in flight", || proxy.stats().in_flight == 2);
    let mut third = Client::connect(proxy.local_addr());
    let refused = third.get("/");
    assert_eq!((refused.status(), refused.reason()), (503, "too-many-connections"));
    assert!(third.ended());
    assert_eq!((first.answer().status(), second.answer().status()), (200, 200));
    assert_eq!(first.get("/").status(), 200);
    drop(second);
    until("there is room again", || proxy.stats().connections == 1);
    assert_eq!(Client::connect(proxy.local_addr()).get("/").status(), 200);
}

/// Runs in a process of its own: the limit is the whole process's.
#[test]
pub(crate) fn without_file_descriptors_it_waits_says_so_and_goes_on() {
    if !alone("limits::without_file_descriptors_it_waits_says_so_and_goes_on") {
        return;
    }
    let origin = Origin::answering(|_| ok("x"));
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut early = Client::connect(proxy.local_addr());
    assert_eq!(early.get("/").status(), 200);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let limit = rustix::process::Rlimit { current: Some(open + 12), maximum: Some(open + 200) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    // Both ends of each connection are in this process, so a few of these use up what is left.
    let mut clients: Vec<_> =
        std::iter::from_fn(|| std::net::TcpStream::connect(proxy.local_addr()).ok()).take(40).collect();
    until("accepting failed", || proxy.stats().accept_errors > 0);
    assert!(clients.len() > 3);
    let (errors, began) = (proxy.stats().accept_errors, now());
    pause(Duration::from_millis(500));
    let most = (now() - began).as_millis() / 50;
    assert!(u128::from(proxy.stats().accept_errors - errors) <= most, "accepting spins");
    let answer = early.get("/");
    assert!(answer.status() == 200 || answer.reason() == "out-of-file-descriptors", "{answer:?}");
    // Once there are descriptors again, those who waited are served.
    let last = clients.pop().unwrap();
    clients.truncate(1);
    let mut waited = Client::over(last);
    assert_eq!(waited.get("/").status(), 200);
    assert_eq!(early.get("/").status(), 200);
}

#[test]
pub(crate) fn over_tls_one_connection_too_many_is_closed() {
    let (tls, _) = crate::tls::certificate();
    let limits = Limits { connections: 0, ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, tls: Some(tls), ..config() });
    assert!(Client::connect(proxy.local_addr()).ended());
    assert_eq!(proxy.stats().own_answers["too-many-connections"], 1);
}

#[test]
pub(crate) fn half_a_tls_handshake_counts_as_a_head() {
    let (tls, _) = crate::tls::certificate();
    let limits = Limits { head: Duration::from_millis(200), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, tls: Some(tls), ..config() });
    let mut client = Client::connect(proxy.local_addr());
    client.send("\x16\x03\x01");
    assert!(client.ended());
    until("gone", || proxy.stats().connections == 0);
}
