//! A server that does anything: still every planned request has exactly one fate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use segue_probe::{Connections, Load, Shape};

use crate::server::{load, pause, probe, serve};

#[test]
fn whatever_a_server_does_every_planned_request_has_exactly_one_fate() {
    let turn = AtomicU64::new(0);
    let address = serve(move |mut peer| {
        while peer.request().is_some() {
            match turn.fetch_add(1, Ordering::Relaxed) * 7919 % 23 {
                0 => return peer.reset(),
                1 => return,
                2 => return peer.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
                3 => peer.write("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"),
                4 => return peer.write("nonsense\r\n\r\n"),
                5 => return peer.wait_for_the_end(),
                6 => {
                    peer.answer(b"hello");
                    return peer.finish();
                }
                7 => pause(20),
                8 => peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
                _ => peer.answer(b"hello"),
            }
        }
    });
    for (threads, connections) in [(1, Connections::Kept), (2, Connections::Mixed)] {
        let shape = Shape { connections, ..Shape::new("GET", 1000.0) };
        let load = load(&address, 1.0, shape);
        let report = probe(Load { threads, keep_records: true, timeout: Duration::from_secs(3), ..load });
        let ledger = &report.ledger;
        assert_eq!(ledger.open_tickets(), 0);
        assert_eq!(ledger.requests() + ledger.unsent().values().sum::<u64>(), 1000);
        assert!(ledger.dropped() > 50 && ledger.ok() > 500, "{:?}", report.drops());
        let mut numbers: Vec<u64> = ledger.records().unwrap().iter().map(|record| record.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    }
}
