//! What goes wrong on the machine, and many clients at once.

use std::convert::Infallible;
use std::process::Command;
use std::time::Duration;

use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use segue_core::pod::Protocol;
use tokio::net::{TcpListener, TcpStream};

use crate::support::{End, TestBed, moment, serve, settings, soon, until};

/// A real server that answers each request after a moment.
fn server(listener: TcpListener) {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(|_: Request<hyper::body::Incoming>| async {
                crate::support::pause().await;
                Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from_static(b"fine"))))
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer),
            );
        }
    });
}

/// Asks until `requests` are answered, on one connection for as long as that is not closed; how many connections it took.
async fn ask_again_and_again(address: std::net::SocketAddr, requests: usize) -> usize {
    let mut connections = 0;
    let mut ask = None;
    for _ in 0..requests {
        if ask.is_none() {
            let stream = TcpStream::connect(address).await.unwrap();
            let (sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            connections += 1;
            ask = Some(sender);
        }
        let sender = ask.as_mut().unwrap();
        let request = Request::get("/a").header("host", "x").body(Full::new(bytes::Bytes::new())).unwrap();
        let answer = soon("an answer", sender.send_request(request)).await.unwrap();
        let closes = answer.headers().get("connection").is_some_and(|value| value == "close");
        let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        assert_eq!(body, "fine");
        if closes {
            ask = None;
        }
    }
    connections
}

#[tokio::test]
async fn no_request_of_two_hundred_clients_is_lost_when_they_are_told_to_close() {
    const CLIENTS: usize = 200;
    const REQUESTS: usize = 12;
    let application = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (guard, address) = serve(settings(application.local_addr().unwrap().port(), Protocol::Auto)).await;
    server(application);
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(ask_again_and_again(address, REQUESTS))).collect();
    until(&guard, "a part of the requests", |snapshot| snapshot.counters.requests > 400).await;
    guard.announce();
    let mut connections = 0;
    for client in clients {
        connections += soon("a client", client).await.unwrap();
    }
    let snapshot = until(&guard, "the last answer", |snapshot| snapshot.in_flight == 0).await;
    assert_eq!(snapshot.counters.requests, (CLIENTS * REQUESTS) as u64);
    assert_eq!(snapshot.counters.connections, connections as u64);
    assert_eq!((snapshot.counters.raced, snapshot.counters.upstream_refused), (0, 0));
    assert!(snapshot.counters.announced > 0);
    guard.close_idle(Duration::ZERO);
}

/// How a child is told that it is one.
const CHILD: &str = "SEGUE_GUARD_TEST_CHILD";

/// Some things are a whole process's: such a test runs itself again in one of its own. Answers whether this is that one.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test]).env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * rustix::param::page_size()
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffer() {
    const PAIRS: usize = 1000;
    if !is_alone("faults::an_idle_connection_holds_no_buffer") {
        return;
    }
    let bed = TestBed::new().await;
    let mut idle = Vec::with_capacity(2 * PAIRS);
    let mut before = resident();
    for at in 0..PAIRS + 10 {
        if at == 10 {
            before = resident();
        }
        let (mut client, mut application) = bed.pair().await;
        client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        application.hears("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        application.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        client.hears("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        // The ends that belong to the test hold no more than a descriptor.
        idle.extend([client, application].map(|end| end.stream.into_std().unwrap()));
    }
    bed.until("idle", |snapshot| snapshot.kept == (PAIRS + 10) as u64).await;
    let each = (resident() - before) / PAIRS;
    assert!(each < 4096, "an idle pair holds {each} bytes");
}

/// The number of descriptors is a process's.
#[tokio::test]
async fn without_file_descriptors_accepting_waits_and_goes_on() {
    if !is_alone("faults::without_file_descriptors_accepting_waits_and_goes_on") {
        return;
    }
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    let waiting = TcpStream::connect(bed.address);
    let before = getrlimit(Resource::Nofile);
    let mut hoard = Vec::new();
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: before.maximum }).unwrap();
    // One descriptor is left for the client.
    while let Ok(file) = std::fs::File::open("/dev/null") {
        hoard.push(file);
    }
    hoard.pop();
    let waiting = waiting.await.unwrap();
    bed.until("a failed accept", |snapshot| snapshot.counters.accept_failed > 0).await;
    let failed = bed.guard.snapshot().counters.accept_failed;
    moment().await;
    assert!(bed.guard.snapshot().counters.accept_failed < failed + 20, "it does not spin");
    // Those who are in are served.
    client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    application.hears("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    drop(hoard);
    let (late, _) = soon("the one that waited", bed.application.accept()).await.unwrap();
    let (mut waiting, mut late) = (End::new(waiting), End::new(late));
    waiting.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    late.hears("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
}
