//! Instances that speak HTTP/2, as gRPC servers do.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::http2::{Body, Frames, Stalled, connected, in_time, text};
use crate::support::http::Client;
use crate::support::origin::nobody;
use crate::support::{config, pool_with, start, until};
use segue_proxy::{Pool, PoolConfig, Protocol};

/// Its connections open now, and where it listens.
struct Instance {
    address: SocketAddr,
    open: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
}

/// Answers with the request's body, its `x-sum` trailer as the answer's, its target as `x-target`, and as `x-bodiless`
/// whether its head says that there is no body; to `/slow` only after a while.
fn instance() -> Instance {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (open, accepted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, taken) = (open.clone(), accepted.clone());
    std::thread::spawn(move || {
        crate::support::wait(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                taken.fetch_add(1, Ordering::SeqCst);
                counted.fetch_add(1, Ordering::SeqCst);
                let counted = counted.clone();
                tokio::spawn(async move {
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
                    counted.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
    });
    Instance { address, open, accepted }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let target = request.uri().to_string();
    let bodiless = request.body().is_end_stream();
    let body = request.into_body().collect().await?;
    let mut trailers = body.trailers().cloned();
    let seen: Vec<_> = trailers.iter().flatten().map(|(name, _)| name.to_string()).collect();
    if let Some(trailers) = &mut trailers {
        trailers.insert("x-real-ip", "6.6.6.6".parse().unwrap());
    }
    if target.ends_with("/slow") {
        let _ = tokio::time::timeout(Duration::from_millis(500), std::future::pending::<()>()).await;
    }
    let frames = [Some(http_body::Frame::data(body.to_bytes())), trailers.map(http_body::Frame::trailers)];
    let mut body = Frames(frames.into_iter().flatten().map(Ok).collect()).boxed();
    if target.ends_with("/half") {
        body = Stalled(Frames([Ok(http_body::Frame::data(Bytes::from("half")))].into()).boxed()).boxed();
    }
    let answer = Response::builder()
        .header("x-target", target)
        .header("x-seen", seen.join(" "))
        .header("x-bodiless", bodiless.to_string());
    Ok(answer.body(body).unwrap())
}

/// A pool with one instance. Its answer to `/half` does not end.
pub(crate) fn pool_of_one() -> Pool {
    pool_of(&[instance().address])
}

fn pool_of(addresses: &[SocketAddr]) -> Pool {
    pool_with(PoolConfig { protocol: Protocol::Http2, ..PoolConfig::default() }, addresses)
}

fn asking(path: &str) -> Request<Body> {
    let trailers = HeaderMap::from_iter(
        [("x-sum", "5"), ("x-forwarded-for", "6.6.6.6")]
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())),
    );
    let frames = [Ok(http_body::Frame::data(Bytes::from("hello"))), Ok(http_body::Frame::trailers(trailers))];
    let body = Frames(frames.into_iter().collect()).boxed();
    Request::post(format!("http://test{path}")).header("te", "trailers").body(body).unwrap()
}

#[test]
pub(crate) fn a_call_with_trailers_goes_both_ways_and_connections_are_shared() {
    let instance = instance();
    let pool = pool_of(&[instance.address]);
    let proxy = start(&pool, config());
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        for _ in 0..5 {
            let answer = sender.send_request(asking("/a?b")).await.unwrap();
            assert_eq!(answer.headers()["x-target"], "http://test/a?b");
            assert_eq!(answer.headers()["x-seen"], "x-sum", "the other one changes what the head says");
            let collected = answer.into_body().collect().await.unwrap();
            assert_eq!(collected.trailers().unwrap()["x-sum"], "5");
            assert_eq!(collected.trailers().unwrap().len(), 1);
            assert_eq!(collected.to_bytes(), "hello");
        }
    });
    let view = &pool.instances()[0];
    assert_eq!((view.requests, view.in_flight, view.failed), (5, 0, 0));
    assert_eq!(instance.accepted.load(Ordering::SeqCst), 1);
}

#[test]
pub(crate) fn a_client_of_http_1_is_served_too() {
    let instance = instance();
    let proxy = start(&pool_of(&[instance.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status(), answer.text(), answer.header("x-target")), (200, "hello", "http://a/x"));
}

#[test]
pub(crate) fn the_head_of_a_request_without_a_body_says_so() {
    let proxy = start(&pool_of(&[instance().address]), config());
    let mut client = Client::connect(proxy.local_addr());
    for (request, bodiless) in [
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "true"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", "true"),
        ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi", "false"),
    ] {
        client.send(request);
        let answer = client.answer();
        assert_eq!((answer.status(), answer.header("x-bodiless")), (200, bodiless), "{request}");
    }
}

/// What `docs/proxy.md` says: 64 KiB ahead with each answer, 16 MiB with all of a worker, and a head of 64 KiB.
#[test]
pub(crate) fn how_far_an_instance_may_be_ahead_is_told() {
    const SETTINGS: u8 = 4;
    const WINDOW_UPDATE: u8 = 8;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = start(&pool_of(&[listener.local_addr().unwrap()]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    let mut read = |length: usize| {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).unwrap();
        bytes
    };
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    read(segue_wire::http2::PREFACE.len());
    let (mut told, mut ahead) = (std::collections::BTreeMap::new(), 65_535);
    while told.is_empty() || ahead == 65_535 {
        let head = read(9);
        let payload = read(number(&head[..3]).try_into().unwrap());
        match (head[3], number(&head[5..])) {
            (SETTINGS, _) => told.extend(payload.chunks(6).map(|one| (number(&one[..2]), number(&one[2..])))),
            (WINDOW_UPDATE, 0) => ahead += number(&payload),
            _ => {}
        }
    }
    // SETTINGS_INITIAL_WINDOW_SIZE and SETTINGS_MAX_HEADER_LIST_SIZE.
    assert_eq!((told.get(&4), told.get(&6), ahead), (Some(&65_536), Some(&65_536), 16_777_216));
}

#[test]
pub(crate) fn a_withdrawn_instance_finishes_and_its_connection_closes() {
    let instance = instance();
    let pool = pool_of(&[instance.address]);
    let proxy = start(&pool, config());
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        let asked = tokio::spawn(sender.send_request(asking("/slow")));
        while pool.instances()[0].in_flight == 0 || instance.accepted.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        pool.withdraw("a");
        assert_eq!(text(asked.await.unwrap().unwrap()).await, "hello");
    });
    until("not in flight any more", || pool.instances()[0].in_flight == 0);
    until("its connection closed", || instance.open.load(Ordering::SeqCst) == 0);
}

#[test]
pub(crate) fn one_that_refuses_is_passed_over_and_one_that_is_cut_is_told() {
    let instance = instance();
    let pool = pool_of(&[nobody(), instance.address]);
    let proxy = start(&pool, config());
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        for _ in 0..4 {
            assert_eq!(sender.send_request(asking("/")).await.unwrap().status(), 200);
        }
        let asked = tokio::spawn(sender.send_request(asking("/slow")));
        while pool.instances()[1].in_flight == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.cut("b"), 1);
        let answer = asked.await.unwrap().unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["segue-reason"]),
            (504, &"cut-at-deadline".parse().unwrap())
        );
    });
    until("nothing in flight", || pool.instances()[1].in_flight == 0);
}
