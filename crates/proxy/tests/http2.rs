//! HTTP/2 clients, with prior knowledge and by ALPN.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::support::origin::{Origin, ok};
use crate::support::{PATIENCE, config, pause, pool_of, start, until, wait};
use crate::tls;
use segue_proxy::{Config, Drained, Limits};

pub(crate) type Body = http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>;

async fn over<S>(stream: S) -> (SendRequest<Body>, JoinHandle<hyper::Result<()>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (sender, tokio::spawn(connection))
}

pub(crate) async fn connected(address: SocketAddr) -> (SendRequest<Body>, JoinHandle<hyper::Result<()>>) {
    over(TcpStream::connect(address).await.unwrap()).await
}

fn get(path: &str) -> Request<Body> {
    Request::get(format!("http://test{path}")).body(Empty::new().boxed()).unwrap()
}

pub(crate) async fn text(answer: Response<Incoming>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

pub(crate) fn in_time<F: Future>(future: F) -> F::Output {
    wait(async { tokio::time::timeout(PATIENCE, future).await.unwrap() })
}

#[test]
pub(crate) fn many_requests_share_one_connection() {
    let origin = Origin::answering(|request| {
        pause(Duration::from_millis(20));
        ok(format!("{} {}", request.first, request.header("host")))
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    in_time(async {
        let (sender, _connection) = connected(proxy.local_addr()).await;
        let asked: Vec<_> = (0..50)
            .map(|number| {
                let mut sender = sender.clone();
                tokio::spawn(async move {
                    text(sender.send_request(get(&format!("/{number}"))).await.unwrap()).await
                })
            })
            .collect();
        for (number, answer) in asked.into_iter().enumerate() {
            assert_eq!(answer.await.unwrap(), format!("GET /{number} HTTP/1.1 test"));
        }
    });
    assert_eq!((proxy.stats().accepted, proxy.stats().requests), (1, 50));
}

#[test]
pub(crate) fn bodies_and_trailers_go_both_ways() {
    let origin = Origin::answering(|request| {
        let sum = &request.trailers["x-sum"];
        let body = String::from_utf8(request.body.clone()).unwrap();
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\nx-sum: {sum}\r\n\r\n", body.len())
            .into_bytes()
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        let trailers = http::HeaderMap::from_iter([("x-sum".parse().unwrap(), "5".parse().unwrap())]);
        let frames =
            [Ok(http_body::Frame::data(Bytes::from("hello"))), Ok(http_body::Frame::trailers(trailers))];
        let body = Frames(frames.into_iter().collect()).boxed();
        let request = Request::post("http://test/").body(body).unwrap();
        let collected = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
        assert_eq!(collected.trailers().unwrap()["x-sum"], "5");
        assert_eq!(collected.to_bytes(), "hello");
    });
}

#[test]
pub(crate) fn alpn_chooses_http_2_over_tls() {
    let (proxy, certificate) = tls::served();
    in_time(async {
        let connector = tokio_rustls::TlsConnector::from(tls::client_config(certificate, b"h2"));
        let stream = TcpStream::connect(proxy.local_addr()).await.unwrap();
        let (mut sender, _connection) = over(connector.connect(tls::name(), stream).await.unwrap()).await;
        let answer = sender.send_request(get("/x")).await.unwrap();
        assert_eq!(text(answer).await, "GET /x HTTP/1.1");
    });
}

#[test]
pub(crate) fn a_drain_says_goaway_and_finishes_what_is_in_flight() {
    let origin = Origin::answering(|_| {
        pause(Duration::from_millis(400));
        ok("late")
    });
    let proxy = Arc::new(start(&pool_of(&[origin.address]), config()));
    in_time(async {
        let (mut sender, connection) = connected(proxy.local_addr()).await;
        let asked = sender.send_request(get("/"));
        let asked = tokio::spawn(asked);
        while proxy.stats().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        let drained = proxy.drain(PATIENCE).await;
        assert_eq!(drained, Drained { cut: 0 });
        assert_eq!(text(asked.await.unwrap().unwrap()).await, "late");
        connection.await.unwrap().unwrap();
    });
    assert_eq!(proxy.stats().connections, 0);
}

#[test]
pub(crate) fn an_idle_connection_is_told_to_go() {
    let limits = Limits { idle: Duration::from_millis(300), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    in_time(async {
        let (mut sender, connection) = connected(proxy.local_addr()).await;
        assert_eq!(sender.send_request(get("/")).await.unwrap().status(), 200);
        connection.await.unwrap().unwrap();
    });
}

#[test]
pub(crate) fn a_connection_with_a_request_is_not_idle_and_pings_do_not_count() {
    use crate::support::http2::{Frames, GOAWAY, HEADERS, PING, frame};
    let origin = Origin::answering(|_| {
        pause(Duration::from_millis(1200));
        ok("late")
    });
    let limits = Limits { idle: Duration::from_millis(400), ..Limits::default() };
    let proxy = start(&pool_of(&[origin.address]), Config { limits, ..config() });
    let mut client = Frames::connect(proxy.local_addr());
    client.ask(1, &[]);
    // Nothing of a farewell comes before the answer.
    loop {
        let frame = client.read().unwrap();
        assert_ne!(frame.kind, GOAWAY);
        if frame.kind == HEADERS {
            break;
        }
    }
    let pinging = client.0.try_clone().unwrap();
    let pings = std::thread::spawn(move || {
        let mut pinging = Frames(pinging);
        let ping = frame(PING, 0, 0, b"anything");
        while std::io::Write::write_all(&mut pinging.0, &ping).is_ok() {
            pause(Duration::from_millis(50));
        }
    });
    let limit = crate::support::now() + PATIENCE;
    while client.read().unwrap().kind != GOAWAY {
        assert!(crate::support::now() < limit, "no farewell");
    }
    client.0.shutdown(std::net::Shutdown::Both).unwrap();
    pings.join().unwrap();
}

#[test]
pub(crate) fn an_instance_that_is_too_slow_is_a_504() {
    let silent = Origin::new(|mut client| {
        let _ = client.request();
        pause(PATIENCE);
    });
    // A listener whose queue is full answers no more connection attempts.
    let full = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&full, 0).unwrap();
    let _filling = std::net::TcpStream::connect(full.local_addr().unwrap()).unwrap();
    let brief = Duration::from_millis(200);
    let limits = Limits { connect: brief, answer: Some(brief), ..Limits::default() };
    for (address, reason) in
        [(silent.address, "answer-timeout"), (full.local_addr().unwrap(), "connect-timeout")]
    {
        let proxy = start(&pool_of(&[address]), Config { limits: limits.clone(), ..config() });
        in_time(async {
            let (mut sender, _connection) = connected(proxy.local_addr()).await;
            let answer = sender.send_request(get("/")).await.unwrap();
            assert_eq!(
                (answer.status().as_u16(), answer.headers()["segue-reason"].to_str().unwrap()),
                (504, reason)
            );
        });
    }
}

#[test]
pub(crate) fn a_broken_off_answer_resets_its_stream_only() {
    let origin = Origin::new(|mut client| {
        let request = client.request().unwrap().unwrap();
        if request.first.contains("broken") {
            client.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
        } else {
            client.send(ok("whole"));
        }
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        // The reset may overtake the answer's head.
        if let Ok(broken) = sender.send_request(get("/broken")).await {
            assert!(broken.into_body().collect().await.is_err());
        }
        assert_eq!(text(sender.send_request(get("/whole")).await.unwrap()).await, "whole");
    });
}

#[test]
pub(crate) fn a_cancelled_request_lets_its_instance_go() {
    let origin = Origin::new(|mut client| {
        let _ = client.request();
        let _ = client.request();
    });
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        let asked = tokio::spawn(sender.send_request(get("/")));
        while pool.instances()[0].in_flight == 0 {
            tokio::task::yield_now().await;
        }
        asked.abort();
        while pool.instances()[0].in_flight > 0 {
            tokio::task::yield_now().await;
        }
    });
}

/// Answers with more than any window or socket holds, for as long as it is taken.
fn more_than_anybody_reads() -> Origin {
    Origin::new(|mut client| {
        let _ = client.request();
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
        let piece = vec![b'x'; 1_000_000];
        while std::io::Write::write_all(client.0.get_mut(), &piece).is_ok() {}
    })
}

#[test]
pub(crate) fn a_stream_that_is_never_read_does_not_hold_its_instance_for_ever() {
    let origin = more_than_anybody_reads();
    let pool = pool_of(&[origin.address]);
    let limits = Limits { body: Duration::from_millis(400), ..Limits::default() };
    let proxy = start(&pool, Config { limits, ..config() });
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        let answer = sender.send_request(get("/")).await.unwrap();
        while pool.instances()[0].in_flight > 0 {
            tokio::task::yield_now().await;
        }
        assert!(answer.into_body().collect().await.is_err());
    });
}

#[test]
pub(crate) fn a_stream_that_is_never_read_can_be_cut() {
    let origin = more_than_anybody_reads();
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        let answer = sender.send_request(get("/")).await.unwrap();
        // Until the stream's window is full.
        let _ = tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>()).await;
        assert_eq!(pool.cut("a"), 1);
        while pool.instances()[0].in_flight > 0 {
            tokio::task::yield_now().await;
        }
        assert!(answer.into_body().collect().await.is_err());
    });
}

#[test]
pub(crate) fn the_proxys_own_answers_have_their_reason() {
    let pool = segue_proxy::Pool::default();
    let proxy = start(&pool, config());
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        let answer = sender.send_request(get("/")).await.unwrap();
        assert_eq!(
            (answer.status(), &answer.headers()["segue-reason"]),
            (StatusCode::SERVICE_UNAVAILABLE, &"no-instance".parse().unwrap())
        );
        let large =
            Request::post("http://test/").body(Full::new(Bytes::from(vec![0; 100_000])).boxed()).unwrap();
        assert_eq!(sender.send_request(large).await.unwrap().status(), 503);
    });
    until("nothing in flight", || proxy.stats().in_flight == 0);
}

#[test]
pub(crate) fn a_head_that_is_too_large_gets_a_431_with_its_reason() {
    let limits = Limits { header_bytes: 16 * 1024, ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        // The target, the host, and 33 for the name.
        let most = 16 * 1024 - "/test".len() - 33;
        for (size, status) in [(10_000, 200), (most, 200), (most + 1, 431), (20_000, 431)] {
            let request = Request::get("http://test/").header("x", "y".repeat(size));
            let answer = sender.send_request(request.body(Empty::new().boxed()).unwrap()).await.unwrap();
            assert_eq!(answer.status().as_u16(), status);
        }
    });
    assert_eq!(proxy.stats().own_answers["header-too-large"], 2);
}

#[test]
pub(crate) fn a_body_that_comes_slowly_but_steadily_is_passed_on() {
    let limits = Limits { body: Duration::from_millis(400), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        let request = Request::post("http://test/").body(Slow { left: 10, pause: None }.boxed()).unwrap();
        assert_eq!(text(sender.send_request(request).await.unwrap()).await, "xxxxxxxxxx");
    });
}

#[test]
pub(crate) fn a_body_that_stops_coming_gets_a_408() {
    let limits = Limits { body: Duration::from_millis(200), ..Limits::default() };
    let proxy = start(&pool_of(&[Origin::echo().address]), Config { limits, ..config() });
    in_time(async {
        let (mut sender, _connection) = connected(proxy.local_addr()).await;
        let body = Stalled(Slow { left: 2, pause: None }.boxed()).boxed();
        let request = Request::post("http://test/").body(body).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["segue-reason"]),
            (408, &"body-timeout".parse().unwrap())
        );
    });
}

/// One byte every tenth of a second.
struct Slow {
    left: u32,
    pause: Option<std::pin::Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let pause = self.pause.get_or_insert_with(|| {
            let never = std::future::pending::<()>();
            Box::pin(async { tokio::time::timeout(Duration::from_millis(100), never).await.unwrap_or(()) })
        });
        std::task::ready!(pause.as_mut().poll(context));
        self.pause = None;
        let Some(left) = self.left.checked_sub(1) else { return std::task::Poll::Ready(None) };
        self.left = left;
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from("x")))))
    }
}

/// A body that never ends.
pub(crate) struct Stalled(pub(crate) Body);

impl http_body::Body for Stalled {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        match std::task::ready!(std::pin::Pin::new(&mut self.0).poll_frame(context)) {
            None => std::task::Poll::Pending,
            some => std::task::Poll::Ready(some),
        }
    }
}

/// Frames that are all there.
pub(crate) struct Frames(
    pub(crate) std::collections::VecDeque<Result<http_body::Frame<Bytes>, std::convert::Infallible>>,
);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.0.pop_front())
    }
}
