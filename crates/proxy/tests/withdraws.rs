//! An instance that was withdrawn gets no more requests, and finishes those that it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::http::Client;
use crate::support::origin::{Origin, ok};
use crate::support::{config, pause, pool_of, start, until, wait};
use segue_proxy::{Config, Pool};

#[test]
pub(crate) fn no_request_reaches_an_instance_after_withdraw_returned() {
    let withdrawn = Arc::new(AtomicBool::new(false));
    let late = Arc::new(AtomicUsize::new(0));
    let (seen, counted) = (withdrawn.clone(), late.clone());
    // A request that was claimed before may still arrive; it says so by its header. None was claimed after.
    let old = Origin::answering(move |request| {
        if seen.load(Ordering::SeqCst) && request.header("x-sent") == "after" {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        ok("old")
    });
    let new = Origin::answering(|_| ok("new"));
    let pool = pool_of(&[old.address, new.address]);
    let proxy = start(&pool, Config { workers: Some(2), ..config() });
    let address = proxy.local_addr();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let withdrawn = withdrawn.clone();
            thread::spawn(move || {
                let (mut client, mut after) = (Client::connect(address), 0);
                while after < 200 {
                    let sent = if withdrawn.load(Ordering::SeqCst) { "after" } else { "before" };
                    client.send(format!("GET / HTTP/1.1\r\nhost: a\r\nx-sent: {sent}\r\n\r\n"));
                    let answer = client.answer();
                    assert_eq!(answer.status(), 200);
                    if sent == "after" {
                        assert_eq!(answer.text(), "new");
                        after += 1;
                    }
                }
            })
        })
        .collect();
    until("both are used", || pool.instances().iter().all(|instance| instance.requests > 50));
    pool.withdraw("a");
    withdrawn.store(true, Ordering::SeqCst);
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(late.load(Ordering::SeqCst), 0);
}

#[test]
pub(crate) fn what_is_in_flight_is_finished_and_its_end_is_told() {
    let origin = Origin::answering(|_| {
        pause(Duration::from_secs(1));
        ok("slow")
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    until("in flight", || pool.instances()[0].in_flight == 1);
    pool.withdraw("a");
    wait(async {
        loop {
            let changed = pool.changed();
            if pool.instances()[0].in_flight == 0 {
                break;
            }
            changed.await;
        }
    });
    let answer = client.answer();
    assert_eq!((answer.text(), answer.header("connection")), ("slow", ""), "the client's connection stays");
    let next = client.get("/");
    assert_eq!((next.status(), next.reason(), next.header("retry-after")), (503, "no-instance", "1"));
    assert_eq!(proxy.stats().own_answers["no-instance"], 1);
}

#[test]
pub(crate) fn the_idle_connections_of_a_withdrawn_instance_are_closed_at_once() {
    let (ended, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, answered) = (ended.clone(), seen.clone());
    let origin = Origin::new(move |mut client| {
        while let Ok(Some(_)) = client.request() {
            answered.fetch_add(1, Ordering::SeqCst);
            client.send(ok("x"));
        }
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    Client::connect(proxy.local_addr()).get("/");
    pool.withdraw("a");
    until("its idle connection ended", || ended.load(Ordering::SeqCst) == 1);
    pool.admit("a");
    Client::connect(proxy.local_addr()).get("/");
    assert_eq!((seen.load(Ordering::SeqCst), origin.connections()), (2, 2));
}

#[test]
pub(crate) fn a_connection_that_was_busy_at_the_withdrawal_is_not_kept_after_it() {
    let origin = Origin::answering(|_| {
        pause(Duration::from_secs(1));
        ok("x")
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    until("in flight", || pool.instances()[0].in_flight == 1);
    pool.withdraw("a");
    client.answer();
    pool.admit("a");
    client.get("/");
    assert_eq!(origin.connections(), 2);
}

#[test]
pub(crate) fn rolling_through_instances_under_load_drops_nothing() {
    let pool = Pool::default();
    let proxy = start(&pool, Config { workers: Some(2), ..config() });
    let first = Origin::echo();
    pool.add("0", first.address, "0");
    pool.admit("0");
    let (address, over) = (proxy.local_addr(), Arc::new(AtomicBool::new(false)));
    let sent = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let (over, sent) = (over.clone(), sent.clone());
            thread::spawn(move || {
                let mut client = Client::connect(address);
                while !over.load(Ordering::SeqCst) {
                    if number % 2 == 0 {
                        client = Client::connect(address);
                    }
                    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
                    let answer = client.answer();
                    assert_eq!((answer.status(), answer.text()), (200, "hello"));
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for number in 1..20 {
        let (old, new) = ((number - 1).to_string(), number.to_string());
        pool.add(&new, Origin::echo().address, &new);
        pool.admit(&new);
        pool.withdraw(&old);
        until("the old one is empty", || {
            pool.instances().iter().find(|instance| instance.id == old).unwrap().in_flight == 0
        });
        pool.remove(&old);
        let enough = sent.load(Ordering::SeqCst) + 30;
        until("each instance has its share", || sent.load(Ordering::SeqCst) >= enough);
    }
    over.store(true, Ordering::SeqCst);
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(proxy.stats().requests, sent.load(Ordering::SeqCst));
}
