//! Connecting, and the upgrade from HTTP/1.1.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use segue_wire::websocket::{accept_key, request_key};

use super::socket::{Open, Socket};
use crate::body::Upload;
use crate::classify::{self, Reached};
use crate::fate::{Kind, Outcome};
use crate::ledger::ConnectionUse;
use crate::transport::connect;
use crate::worker::Worker;

/// What the handshake's failure is to the messages that it was for, and the status if there was one.
type Refused = (Outcome, Option<u16>);

/// Connects and shakes hands.
pub(super) async fn open(worker: &Rc<Worker>, shape: usize) -> Result<Socket, Refused> {
    let tls = worker.tls_http1.as_ref();
    let opening = connect(worker.addresses.next(), tls, worker.load.connect_timeout);
    let (transport, meter) = opening.await.map_err(|outcome| (outcome, None))?;
    worker.opened();
    let opened = worker.clock.now();
    let mut random = [0; 16];
    // Without it the key would be a known one, which nothing here depends on.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    let key = request_key(random);
    let reached = Reached::start(&meter, 0);
    let broken = |error: &hyper::Error| (Outcome::of(classify::http1(error, &meter, &reached), error), None);
    let (mut sender, mut connection) =
        handshake(TokioIo::new(transport)).await.map_err(|error| broken(&error))?;
    let mut answer = pin!(sender.send_request(upgrade(worker, shape, &key)));
    let mut deadline = worker.sweeper.deadline(opened + worker.load.timeout);
    let mut over = None;
    let head = poll_fn(|context| {
        // Once it has ended it must not be polled again; it is only dropped with this function.
        if over.is_none()
            && let Poll::Ready(end) = connection.poll_without_shutdown(context)
        {
            over = Some(end);
        }
        match answer.as_mut().poll(context) {
            Poll::Ready(head) => Poll::Ready(head.map_err(|error| broken(&error))),
            Poll::Pending if over.is_some() => Poll::Ready(Err((Kind::ClosedWithoutAnswer.into(), None))),
            Poll::Pending => deadline.poll(context).map(|()| Err((Kind::ResponseTimeout.into(), None))),
        }
    })
    .await?;
    let status = head.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let kind =
            if status.as_u16() >= 500 { Kind::Status(status.as_u16()) } else { Kind::WebSocketRefused };
        return Err((kind.into(), Some(status.as_u16())));
    }
    if head.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes)
        != Some(accept_key(&key).as_bytes())
    {
        let wrong =
            Outcome::because(Kind::ProtocolError, "the header sec-websocket-accept is not the right one");
        return Err((wrong, Some(status.as_u16())));
    }
    let version = worker.version(head.headers());
    drop(head);
    if over.is_none() {
        let end = poll_fn(|context| connection.poll_without_shutdown(context)).await;
        end.map_err(|error| broken(&error))?;
    }
    let parts = connection.into_parts();
    let connection = ConnectionUse { local: meter.local, remote: meter.remote, opened, before: 0 };
    let open = Open {
        io: parts.io.into_inner(),
        read: parts.read_buf,
        version,
        connection,
        seed: u64::from_ne_bytes(random.first_chunk().copied().unwrap_or_default()),
    };
    Ok(Socket::new(worker, shape, open, deadline))
}

fn upgrade(worker: &Worker, shape: usize, key: &str) -> Request<Upload> {
    let source = &worker.sources[shape];
    let mut request = Request::new(Upload::empty());
    *request.uri_mut() = source.uri().clone();
    let mut headers: HeaderMap = source.headers().clone();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    if let Ok(key) = HeaderValue::from_str(key) {
        headers.insert(SEC_WEBSOCKET_KEY, key);
    }
    *request.headers_mut() = headers;
    request
}
