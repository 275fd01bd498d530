//! A client whose answer ends early can tell, also where only the connection's end tells the answer's.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::http::Client;
use crate::support::origin::Origin;
use crate::support::{config, pause, pool_of, start, until, wait};
use segue_proxy::{Config, Limits, Pool, Proxy};

/// A client of HTTP/1.0 that has asked for an endless answer in chunks and reads none of it.
fn asking(limits: Limits) -> (Pool, Proxy, Client) {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        client.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let piece = [b"ffff\r\n", &vec![b'x'; 0xffff][..], b"\r\n"].concat();
        while client.0.get_mut().write_all(&piece).is_ok() {}
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.0\r\nhost: a\r\n\r\n");
    until("in flight", || pool.instances()[0].in_flight == 1);
    (pool, proxy, client)
}

/// Reads to the end; whether that was a reset.
fn is_reset(stream: &mut TcpStream) -> bool {
    let mut all = Vec::new();
    matches!(stream.read_to_end(&mut all), Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset)
}

#[test]
pub(crate) fn one_that_took_nothing_for_too_long() {
    let (pool, proxy, mut client) = asking(Limits { body: Duration::from_millis(400), ..Limits::default() });
    until("let go", || pool.instances()[0].in_flight == 0);
    until("gone", || proxy.stats().connections == 0);
    assert!(is_reset(client.0.get_mut()));
}

#[test]
pub(crate) fn one_whose_instance_is_cut() {
    let (pool, _proxy, mut client) = asking(Limits::default());
    pause(Duration::from_millis(300));
    assert_eq!(pool.cut("a"), 1);
    until("let go", || pool.instances()[0].in_flight == 0);
    pause(Duration::from_millis(100));
    assert!(is_reset(client.0.get_mut()));
}

#[test]
pub(crate) fn one_that_outlives_the_deadline_of_a_drain() {
    let (_pool, proxy, mut client) = asking(Limits::default());
    pause(Duration::from_millis(300));
    assert_eq!(wait(proxy.drain(Duration::from_millis(100))).cut, 1);
    assert!(is_reset(client.0.get_mut()));
}

#[test]
pub(crate) fn one_whose_proxy_is_dropped() {
    let (_pool, proxy, mut client) = asking(Limits::default());
    pause(Duration::from_millis(300));
    let address = proxy.local_addr();
    drop(proxy);
    until("nobody listens", || TcpStream::connect(address).is_err());
    assert!(is_reset(client.0.get_mut()));
}

#[test]
pub(crate) fn one_whose_last_bytes_have_not_left() {
    // All of it fits into the proxy's own buffers, but not into the client's socket.
    let origin = Origin::answering(|_| {
        let body = vec![b'x'; 6_000_000];
        let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for piece in body.chunks(0xffff) {
            answer.extend(format!("{:x}\r\n", piece.len()).bytes());
            answer.extend(piece);
            answer.extend(b"\r\n");
        }
        answer.extend(b"0\r\n\r\n");
        answer
    });
    let limits = Limits { body: Duration::from_millis(400), ..Limits::default() };
    let proxy = start(&pool_of(&[origin.address]), Config { limits, ..config() });
    let mut complete = 0;
    let mut broken = 0;
    for size in (0..8).map(|step| 3_000_000 + step * 64 * 1024) {
        let mut client = Client::connect(proxy.local_addr());
        client.send("GET / HTTP/1.0\r\nhost: a\r\n\r\n");
        let mut some = vec![0; size];
        client.0.read_exact(&mut some).unwrap();
        pause(Duration::from_millis(900));
        let mut rest = Vec::new();
        match client.0.read_to_end(&mut rest) {
            Ok(_) => {
                assert!(size + rest.len() >= 6_000_000, "a clean end after {}", size + rest.len());
                complete += 1;
            }
            Err(_) => broken += 1,
        }
    }
    assert_eq!(complete + broken, 8);
}

#[test]
pub(crate) fn one_that_was_upgraded_to_something_unknown_and_is_cut() {
    let origin = Origin::new(|mut client| {
        let _ = client.head();
        client.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\nhalf");
        let _ = client.0.read(&mut [0]);
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 101);
    client.0.read_exact(&mut [0; 4]).unwrap();
    assert_eq!(pool.cut("a"), 1);
    assert!(is_reset(client.0.get_mut()));
}

#[test]
pub(crate) fn one_whose_unknown_protocol_the_instance_resets() {
    let origin = Origin::new(|mut client| {
        let _ = client.head();
        client.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\nhalf");
        pause(Duration::from_millis(200));
        crate::support::origin::reset(client.0.get_ref());
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 101);
    assert!(is_reset(client.0.get_mut()));
}

#[test]
pub(crate) fn one_of_an_instance_that_speaks_http_2() {
    let pool = crate::http2_instances::pool_of_one();
    let proxy = start(&pool, config());
    for (version, ends_with_connection) in [("1.0", true), ("1.1", false)] {
        let mut client = Client::connect(proxy.local_addr());
        client.send(format!("GET /half HTTP/{version}\r\nhost: a\r\n\r\n"));
        assert_eq!(client.head().unwrap().status(), 200);
        until("half of it is here", || client.0.fill_buf().is_ok_and(|half| !half.is_empty()));
        assert_eq!(pool.cut("a"), 1);
        pool.admit("a");
        if ends_with_connection {
            assert!(is_reset_behind(client));
        } else {
            assert_eq!(client.chunk().unwrap().as_deref(), Some(&b"half"[..]));
            assert!(client.chunk().is_err());
        }
    }
}

fn is_reset_behind(mut client: Client) -> bool {
    let mut all = Vec::new();
    client.0.read_to_end(&mut all).is_err()
}
