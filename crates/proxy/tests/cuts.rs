//! A deadline ends what is in flight on one instance, and says how much that was.

use std::time::Duration;

use crate::support::http::Client;
use crate::support::origin::{Origin, ok};
use crate::support::{PATIENCE, config, pause, pool_of, start, until};

#[test]
pub(crate) fn a_request_that_was_not_answered_gets_a_504_and_another_instance_is_left_alone() {
    let slow = || {
        Origin::answering(|_| {
            pause(Duration::from_millis(600));
            ok("late")
        })
    };
    let pool = pool_of(&[slow().address, slow().address]);
    let proxy = start(&pool, config());
    let mut clients: Vec<_> = (0..4).map(|_| Client::connect(proxy.local_addr())).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    }
    until("two on each", || pool.instances().iter().all(|instance| instance.in_flight == 2));
    assert_eq!(pool.cut("a"), 2);
    assert!(!pool.instances()[0].admitted);
    let answers: Vec<_> = clients.iter_mut().map(Client::answer).collect();
    assert_eq!(answers.iter().filter(|answer| answer.text() == "late").count(), 2);
    assert_eq!(answers.iter().filter(|answer| answer.reason() == "cut-at-deadline").count(), 2);
    until("nothing in flight", || pool.instances().iter().all(|instance| instance.in_flight == 0));
    assert_eq!(clients[0].get("/").text(), "late", "the client's connection is still good");
}

#[test]
pub(crate) fn an_answer_that_had_begun_breaks_off_visibly() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        client.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        pause(PATIENCE);
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 200);
    assert_eq!(client.chunk().unwrap().as_deref(), Some(&b"half"[..]));
    assert_eq!(pool.cut("a"), 1);
    assert!(client.chunk().is_err());
    until("nothing in flight", || pool.instances()[0].in_flight == 0);
}

#[test]
pub(crate) fn one_whose_client_does_not_read_is_cut_too() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
        let piece = vec![b'x'; 1_000_000];
        while std::io::Write::write_all(client.0.get_mut(), &piece).is_ok() {}
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    until("in flight", || pool.instances()[0].in_flight == 1);
    pause(Duration::from_millis(200));
    assert_eq!(pool.cut("a"), 1);
    until("nothing in flight", || pool.instances()[0].in_flight == 0);
}
