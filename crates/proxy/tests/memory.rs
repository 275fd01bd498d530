//! What the proxy holds for clients that take nothing is bounded.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::http2::{DATA, Frames, GOAWAY, HEADERS, WINDOW_UPDATE, frame};
use crate::support::origin::Origin;
use crate::support::{config, pause, pool_of, start, until};
use segue_proxy::{Config, Limits};

const MIB: u64 = 1024 * 1024;

/// The kernel's buffers are filled by one test at a time: together they run it short of memory for connections.
fn kernels_buffers() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    let _one = kernels_buffers();
    for (chunked, window) in [(false, i32::MAX), (true, i32::MAX), (true, 0)] {
        let (origin, sent) = endless(chunked);
        let proxy = start(&pool_of(&[origin.address]), config());
        let mut client = Frames::with_window(proxy.local_addr(), window);
        for stream in 0..128 {
            client.ask(2 * stream + 1, &[]);
        }
        until("all are in flight", || origin.connections() == 128);
        let mut most = 0;
        // Small frames are longer than small chunks, so what has left looks like more than what came. Where nothing is held,
        // the machine has let the proxy read nothing yet.
        until("the proxy holds something", || {
            most = held(&origin, &sent, proxy.local_addr());
            most > 0 || chunked
        });
        assert!(most < 3 * MIB, "{most} bytes, chunked: {chunked}, window: {window}");
    }
}

#[test]
pub(crate) fn many_clients_that_read_nothing_share_one_budget() {
    let _one = kernels_buffers();
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
pub(crate) fn room_that_others_leave_is_found_without_an_end_of_ones_own() {
    let _one = kernels_buffers();
    let (origin, sent) = endless(false);
    let limits = Limits { answer_buffers: 1024 * 1024, ..Limits::default() };
    let proxy = start(&pool_of(&[origin.address]), Config { limits, ..config() });
    let mut greedy = Frames::connect(proxy.local_addr());
    for stream in 0..20 {
        greedy.ask(2 * stream + 1, &[]);
    }
    let _ = held(&origin, &sent, proxy.local_addr());
    // The one piece that this client may leave untaken is that of its first request.
    let mut client = Frames::with_window(proxy.local_addr(), 0);
    client.ask(1, &[]);
    client.wait_for(HEADERS, 1);
    client.ask(3, &[]);
    client.wait_for(HEADERS, 3);
    client.send(&frame(WINDOW_UPDATE, 0, 3, &1_000_000u32.to_be_bytes()));
    drop(greedy);
    let mut taken = 0;
    while taken < 500_000 {
        let frame = client.read().unwrap();
        if (frame.kind, frame.stream) == (DATA, 3) {
            taken += frame.payload.len();
        }
    }
}

#[test]
pub(crate) fn an_answer_that_is_taken_goes_on_beside_those_that_are_not_although_half_a_chunks_size_came() {
    let _one = kernels_buffers();
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let origin = Origin::new(move |mut client| {
        let asked = client.request().unwrap().unwrap();
        if asked.header("which") == "chunked" {
            client.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            let data = "x".repeat(64);
            client.send(format!("40\r\n{data}\r\n4"));
            pause(Duration::from_millis(300));
            client.send(format!("0\r\n{data}\r\n0\r\n\r\n"));
        } else {
            client.send("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
            let stream = client.0.get_mut();
            stream.set_write_timeout(None).unwrap();
            while let Ok(written) = stream.write(&[b'x'; 16 * 1024]) {
                counted.fetch_add(written as u64, Ordering::SeqCst);
            }
        }
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Frames::with_window(proxy.local_addr(), 0);
    for stream in 0..100 {
        let stream = 2 * stream + 1;
        client.ask(stream, &[]);
        client.wait_for(HEADERS, stream);
        // One byte: what else was read of the answer stays untaken.
        client.send(&frame(WINDOW_UPDATE, 0, stream, &1u32.to_be_bytes()));
    }
    until("more than the budget of a connection is untaken", || {
        held(&origin, &sent, proxy.local_addr()) > MIB
    });
    let chunked = 1001;
    client.ask(chunked, &[("which", "chunked")]);
    client.send(&frame(WINDOW_UPDATE, 0, chunked, &1_000_000u32.to_be_bytes()));
    let mut taken = 0;
    while taken < 128 {
        taken += client.wait_for(DATA, chunked).payload.len();
    }
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
