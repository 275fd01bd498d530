//! What the proxy holds for clients that take nothing is bounded.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::support::http2::{Frames, GOAWAY};
use crate::support::origin::Origin;
use crate::support::{config, pause, pool_of, start, until};
use segue_proxy::{Config, Limits};

const MIB: u64 = 1024 * 1024;

/// An instance that sends as much as is taken, in one piece or in small chunks, and what it has sent.
fn endless(chunked: bool) -> (Origin, Arc<AtomicU64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let origin = Origin::new(move |mut client| {
        let _ = client.request();
        let framing = if chunked { "transfer-encoding: chunked" } else { "content-length: 1000000000" };
        client.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n"));
        let piece = if chunked {
            [b"40\r\n", &[b'x'; 64][..], b"\r\n"].concat().repeat(256)
        } else {
            vec![b'x'; 16 * 1024]
        };
        let stream = client.0.get_mut();
        stream.set_write_timeout(None).unwrap();
        loop {
            let mut rest = &piece[..];
            while !rest.is_empty() {
                let Ok(written) = stream.write(rest) else { return };
                counted.fetch_add(written as u64, Ordering::SeqCst);
                rest = &rest[written..];
            }
        }
    });
    (origin, sent)
}

/// Bytes that the kernel holds in connections of this port, in both directions.
fn in_the_kernel(address: SocketAddr) -> u64 {
    let port = format!(":{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let queues = table.lines().skip(1).filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let (send, receive) = words[4].split_once(':')?;
        let meant = (words[1].ends_with(&port) || words[2].ends_with(&port)) && words[3] != "0A";
        let count = |hexadecimal| u64::from_str_radix(hexadecimal, 16).unwrap();
        meant.then(|| count(send) + count(receive))
    });
    queues.sum()
}

/// What the proxy has read of its instance and not passed to the kernel for its clients, once that rests.
fn held(origin: &Origin, sent: &AtomicU64, proxy: SocketAddr) -> u64 {
    let mut before = 0;
    until("nothing moves any more", || {
        pause(Duration::from_millis(300));
        let now = sent.load(Ordering::SeqCst);
        std::mem::replace(&mut before, now) == now && now > 0
    });
    sent.load(Ordering::SeqCst).saturating_sub(in_the_kernel(origin.address) + in_the_kernel(proxy))
}

#[test]
pub(crate) fn a_client_with_many_streams_that_reads_nothing_is_held_little_for() {
    for chunked in [false, true] {
        let (origin, sent) = endless(chunked);
        let proxy = start(&pool_of(&[origin.address]), config());
        let mut client = Frames::connect(proxy.local_addr());
        for stream in 0..128 {
            client.ask(2 * stream + 1, &[]);
        }
        until("all are in flight", || origin.connections() == 128);
        let held = held(&origin, &sent, proxy.local_addr());
        // Small frames are longer than small chunks, so what has left looks like more than what came.
        assert!((held > 0 || chunked) && held < 3 * MIB, "{held} bytes, chunked: {chunked}");
    }
}

#[test]
pub(crate) fn many_clients_that_read_nothing_share_one_budget() {
    let (origin, sent) = endless(false);
    let limits = Limits { answer_buffers: 2 * 1024 * 1024, ..Limits::default() };
    let proxy = start(&pool_of(&[origin.address]), Config { limits, ..config() });
    let mut clients: Vec<_> = (0..16).map(|_| Frames::connect(proxy.local_addr())).collect();
    for client in &mut clients {
        for stream in 0..10 {
            client.ask(2 * stream + 1, &[]);
        }
    }
    until("all are in flight", || origin.connections() == 160);
    // Each client may have one piece, whatever the others hold.
    let held = held(&origin, &sent, proxy.local_addr());
    assert!(held < 2 * MIB + 16 * 200 * 1024, "{held} bytes");
}

#[test]
pub(crate) fn a_client_that_does_not_take_its_goaway_is_closed_all_the_same() {
    let limits =
        Limits { idle: Duration::from_millis(200), head: Duration::from_millis(400), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    let mut client = Frames::connect(proxy.local_addr());
    client.wait_for(GOAWAY, 0);
    assert!(client.ended());
    until("gone", || proxy.stats().connections == 0);
}
