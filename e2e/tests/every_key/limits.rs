//! What clients and instances are held to.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use segue_e2e::client;
use segue_e2e::wait;

use super::one::{Case, body, ends, impatient, serving};

pub(crate) const CASES: &[Case] = &[
    ("limits.maxConnections", max_connections),
    ("limits.headerSize", header_size),
    ("limits.headerTimeout", header_timeout),
    ("limits.bodyTimeout", body_timeout),
    ("limits.connectTimeout", connect_timeout),
    ("limits.answerTimeout", answer_timeout),
    ("limits.idleTimeout", idle_timeout),
    ("limits.upstreamIdleTimeout", upstream_idle_timeout),
];

fn max_connections() {
    let service = serving("limits: { maxConnections: 2 }");
    // Busy, so that none of them is one that may make room.
    let mut busy: Vec<_> = (0..2).map(|_| impatient(&service)).collect();
    for client in &mut busy {
        client.get("/sleep/3");
    }
    service.until("2 in flight", |status| status.0["proxy"]["in_flight"] == 2);
    let refused = client::get(service.listen, "/");
    assert_eq!((refused.status, refused.header("segue-reason")), (503, Some("too-many-connections")));
    for client in &mut busy {
        let answer = client.answer();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

fn header_size() {
    let service = serving("limits: { headerSize: 2KiB }");
    let mut client = impatient(&service);
    let header = "x".repeat(4096);
    client
        .stream()
        .write_all(format!("GET / HTTP/1.1\r\nhost: t\r\nx-long: {header}\r\n\r\n").as_bytes())
        .unwrap();
    assert_eq!(client.answer().status, 431);
}

fn header_timeout() {
    let service = serving("limits: { headerTimeout: 300ms }");
    let mut client = impatient(&service);
    client.stream().write_all(b"GET / HTTP/1.1\r\nhost: t\r\nx-half").unwrap();
    ends(&mut client);
}

fn body_timeout() {
    let service = serving("limits: { bodyTimeout: 300ms }");
    let mut client = impatient(&service);
    client.stream().write_all(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 9\r\n\r\nhalf").unwrap();
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("segue-reason")), (408, Some("body-timeout")));
}

fn connect_timeout() {
    let service =
        serving("ready: { http: /health, interval: 1h, threshold: 1 }\nlimits: { connectTimeout: 40s }");
    let port = service.status().instances()[0].0["port"].as_u64().unwrap();
    let port = u16::try_from(port).unwrap();
    let rests = client::get(([127, 0, 0, 1], port).into(), "/rest/5");
    assert_eq!(rests.status, 200);
    wait::until_true("it takes no connection", wait::LONG, || {
        service.place.run(&["logs", "web"]).said().contains("rests")
    });
    // As many as wait while nobody accepts; the next is not answered at all, and tries again and again.
    let waiting: Vec<_> = (0..3)
        .map(|_| TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_millis(300)))
        .collect();
    assert!(waiting.iter().any(Result::is_err), "it still takes connections");
    // The default of 2 s would be over before it goes on.
    assert_eq!(client::get(service.listen, "/about").status, 200);
}

fn answer_timeout() {
    let service = serving("limits: { answerTimeout: 300ms }");
    let answer = client::get(service.listen, "/sleep/30");
    assert_eq!((answer.status, answer.header("segue-reason")), (504, Some("answer-timeout")));
}

fn idle_timeout() {
    let service = serving("limits: { idleTimeout: 300ms }");
    let mut client = impatient(&service);
    client.get("/about");
    assert_eq!(client.answer().status, 200);
    ends(&mut client);
}

/// Whether two requests that far apart come by the same connection to the instance.
fn same_connection(limits: &str, apart: Duration) -> bool {
    let service = serving(&format!("limits: {limits}"));
    let mut client = impatient(&service);
    let mut connection = || {
        client.get("/about");
        body(&client.answer())["connection"].clone()
    };
    let first = connection();
    wait::pass(apart);
    first == connection()
}

fn upstream_idle_timeout() {
    assert!(
        same_connection("{ upstreamIdleTimeout: 30s }", Duration::from_secs(3)),
        "it was given up too soon"
    );
    assert!(
        !same_connection("{ upstreamIdleTimeout: 100ms }", Duration::from_millis(800)),
        "it was used again"
    );
    // What clients are given says nothing of it.
    assert!(
        !same_connection("{ idleTimeout: 60s }", Duration::from_secs(3)),
        "a default of 1.5 s was to hold"
    );
}
