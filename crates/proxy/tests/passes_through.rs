//! Requests and answers go through unharmed.

use crate::support::http::Client;
use crate::support::origin::{Origin, nobody, ok};
use crate::support::{config, pool_of, start, until};
use segue_proxy::Config;

#[test]
pub(crate) fn a_request_gets_its_answer_and_the_connections_are_kept() {
    let origin = Origin::echo();
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    for number in 0..20 {
        let answer = client.get(&format!("/{number}"));
        assert_eq!((answer.status(), answer.text()), (200, &*format!("GET /{number} HTTP/1.1")));
    }
    assert_eq!(origin.connections(), 1);
    let view = &pool.instances()[0];
    assert_eq!((view.in_flight, view.requests, view.failed), (0, 20, 0));
    assert_eq!((proxy.stats().requests, proxy.stats().accepted), (20, 1));
}

#[test]
pub(crate) fn a_body_is_passed_on_by_length_and_by_chunks() {
    let origin = Origin::echo();
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(client.answer().text(), "hello");
    client.send(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    );
    assert_eq!(client.answer().text(), "abcde");
}

#[test]
pub(crate) fn a_large_body_goes_both_ways() {
    let origin = Origin::echo();
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    let body: Vec<u8> = (0..8_000_000u32).map(|number| (number % 251) as u8).collect();
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
    client.send([head.as_bytes(), &body].concat());
    assert!(client.answer().body == body);
}

#[test]
pub(crate) fn chunked_answers_keep_their_trailers() {
    let origin = Origin::answering(|_| {
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n".to_vec()
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.trailers.get("x-sum").map(String::as_str)), ("abc", Some("6")));
}

#[test]
pub(crate) fn trailers_of_a_request_reach_the_instance() {
    let origin = Origin::answering(|request| ok(&request.trailers["x-sum"]));
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n1\r\na\r\n0\r\nx-sum: 7\r\n\r\n",
    );
    assert_eq!(client.answer().text(), "7");
}

#[test]
pub(crate) fn head_requests_and_bodyless_answers_do_not_wait_for_a_body() {
    let origin = Origin::answering(|request| match request.first.split(' ').next() {
        Some("HEAD") => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_vec(),
        _ => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head().unwrap();
    assert_eq!((head.status(), head.header("content-length")), (200, "1000"));
    assert_eq!(client.get("/").status(), 204);
    assert_eq!(origin.connections(), 1);
}

#[test]
pub(crate) fn an_answer_that_ends_with_its_connection_goes_through() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        client.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    assert_eq!(client.get("/").text(), "until the end");
    assert_eq!(client.get("/").text(), "until the end");
}

#[test]
pub(crate) fn a_connection_that_rests_between_requests_goes_on() {
    let origin = Origin::echo();
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    for number in 0..3 {
        assert_eq!(client.get(&format!("/{number}")).text(), format!("GET /{number} HTTP/1.1"));
        crate::support::pause(std::time::Duration::from_millis(700));
    }
    // One that sends a piece, rests, and sends the rest.
    client.send("GET /4 HTT");
    crate::support::pause(std::time::Duration::from_millis(700));
    client.send("P/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.answer().text(), "GET /4 HTTP/1.1");
    assert_eq!((proxy.stats().accepted, proxy.stats().connections), (1, 1));
}

#[test]
pub(crate) fn pipelined_requests_are_answered_in_their_order() {
    let proxy = start(&pool_of(&[Origin::echo().address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n".repeat(5));
    for number in 0..10 {
        assert_eq!(client.answer().text(), format!("GET /{} HTTP/1.1", number % 2 + 1));
    }
}

#[test]
pub(crate) fn an_http_1_0_client_gets_a_whole_answer() {
    let origin = Origin::answering(|_| {
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec()
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer().text(), "abc");
}

#[test]
pub(crate) fn a_request_whose_bytes_never_left_goes_to_another_instance() {
    let origin = Origin::echo();
    let pool = pool_of(&[nobody(), nobody(), origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    for _ in 0..10 {
        client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
        assert_eq!(client.answer().text(), "hello");
    }
    let view = pool.instances();
    assert_eq!(view[2].requests, 10);
    assert!(view[0].failed + view[1].failed > 0);
}

#[test]
pub(crate) fn the_version_is_told_unless_the_instance_does_it() {
    let plain = Origin::echo();
    let telling =
        Origin::answering(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nsegue-version: own\r\n\r\n".to_vec());
    for (origin, version) in [(&plain, "v-a"), (&telling, "own")] {
        let config = Config { version_header: true, ..config() };
        let proxy = start(&pool_of(&[origin.address]), config);
        assert_eq!(Client::connect(proxy.local_addr()).get("/").header("segue-version"), version);
    }
    let proxy = start(&pool_of(&[plain.address]), config());
    assert_eq!(Client::connect(proxy.local_addr()).get("/").header("segue-version"), "");
}

#[test]
pub(crate) fn streams_pass_as_they_come() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        client.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        for word in ["one", "two", "three"] {
            client.send(format!("{:x}\r\n{word}\r\n", word.len()));
            crate::support::pause(std::time::Duration::from_millis(50));
        }
        client.send("0\r\n\r\n");
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 200);
    until("in flight while it streams", || pool.instances()[0].in_flight == 1);
    let mut words = Vec::new();
    while let Some(chunk) = client.chunk().unwrap() {
        words.push(String::from_utf8(chunk).unwrap());
    }
    assert_eq!(words, ["one", "two", "three"]);
    until("not in flight any more", || pool.instances()[0].in_flight == 0);
}

#[test]
pub(crate) fn requests_that_come_just_as_their_connection_is_put_to_rest_are_answered() {
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { workers: Some(2), ..config() });
    let address = proxy.local_addr();
    let clients: Vec<_> = (0..40u64)
        .map(|number| {
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                for round in 0..10 {
                    assert_eq!(client.get("/").status(), 200);
                    // A resting connection gives up its buffers after a quarter of a second.
                    crate::support::pause(std::time::Duration::from_millis(
                        230 + (number * 7 + round * 13) % 90,
                    ));
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!((proxy.stats().requests, proxy.stats().accepted), (400, 40));
}
