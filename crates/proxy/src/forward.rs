//! One request from the client's side to an instance and its answer back.
//!
//! A request goes to another instance only while not a byte of it has left: nobody can have acted on it then.
//! Whatever fails later is told to the client, never tried again silently.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use crate::body::{AnswerBody, Source};
use crate::clock;
use crate::config::Protocol;
use crate::downstream::{ClientGone, Connection, Stream, poll_gone};
use crate::flight::{Flight, Phase, Verdict};
use crate::forward_http2::forward_http2;
use crate::instance::{Claim, Instance};
use crate::reason::{self, Reason};
use crate::request::{self, Plan};
use crate::tunnel;
use crate::upstream::{self, AnswerHead, ConnectError, Exchange, Failure, Link, Upload};

const VERSION: HeaderName = HeaderName::from_static("segue-version");

/// How often a connection is tried for which no file descriptor is left, and how long it is waited for in between.
const TRIES: u32 = 5;
const A_MOMENT: Duration = Duration::from_millis(20);

/// Carries a request; an error means that nobody is there to read an answer.
pub(crate) async fn forward(
    connection: Arc<Connection>,
    flight: Arc<Flight>,
    stream: Option<Stream>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, ClientGone> {
    if stream.is_some() {
        // What came with the request is seen first: that it was taken back, for one.
        once_again().await;
    }
    flight.begin();
    let shared = &connection.shared;
    shared.counters.requests.fetch_add(1, Ordering::Relaxed);
    let version = request.version();
    if version <= Version::HTTP_11
        && let Some(reason) = connection.notes.refusal()
    {
        let mut answer = own_answer(&connection, flight, stream, version, reason);
        // Where its body ends, others may see in another place.
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return Ok(answer);
    }
    if version == Version::HTTP_2 && list_size(&request) > shared.config.limits.header_bytes {
        return Ok(own_answer(&connection, flight, stream, version, Reason::HeaderTooLarge));
    }
    let (mut parts, body) = request.into_parts();
    let upgrading = parts.extensions.remove::<OnUpgrade>();
    let body = Some(body).filter(|body| !http_body::Body::is_end_stream(body));
    if shared.pool.protocol() == Protocol::Http2 {
        return Box::pin(forward_http2(connection.clone(), flight, stream, parts, body)).await;
    }

    let mut head = upstream::scratch();
    let planned = request::encode(&mut head, &parts, body.is_some(), &connection.origin);
    // The answer's headers go where the request's were: hyper uses the same map again for the next request.
    let mut headers = std::mem::take(&mut parts.headers);
    drop(parts);
    let plan = match planned {
        Ok(plan) => plan,
        Err(reason) => return Ok(own_answer(&connection, flight, stream, version, reason)),
    };
    let hold = plan.expects.then_some(shared.config.limits.expect);
    let upload = Upload::new(head, body, plan.framing, hold);

    let (mut exchange, answer) =
        match send(&connection, &flight, stream.as_ref(), upload, &mut headers, plan).await {
            Ok(sent) => sent,
            Err(End::ClientGone) => return Err(ClientGone),
            Err(End::Own(reason)) => {
                return Ok(own_answer(&connection, flight, stream, version, reason));
            }
        };
    finish_headers(&connection, version, &mut headers, exchange.instance());
    if answer.status == StatusCode::SWITCHING_PROTOCOLS {
        let Some(client) = upgrading.filter(|_| plan.upgrade) else {
            return Ok(own_answer(&connection, flight, stream, version, Reason::BadAnswer));
        };
        let is_websocket = headers
            .get(header::UPGRADE)
            .is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(b"websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        connection.notes.upgrade();
        tunnel::spawn(connection, exchange, client, is_websocket);
        let body = AnswerBody::new(Source::Own(Bytes::new()), flight, stream);
        return Ok(response(StatusCode::SWITCHING_PROTOCOLS, headers, body));
    }
    exchange.settle();
    let body = AnswerBody::new(Source::Instance(exchange), flight, stream);
    Ok(response(answer.status, headers, body))
}

/// The size of an HTTP/2 request's head as RFC 9113 section 6.5.2 counts it.
fn list_size(request: &Request<Incoming>) -> usize {
    let uri = request.uri();
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
    target + authority + fields.sum::<usize>()
}

/// Pending once.
async fn once_again() {
    let mut again = false;
    poll_fn(|context| {
        if std::mem::replace(&mut again, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Why there is no instance's answer.
enum End {
    ClientGone,
    Own(Reason),
}

async fn send(
    connection: &Connection,
    flight: &Arc<Flight>,
    stream: Option<&Stream>,
    mut upload: Upload,
    headers: &mut HeaderMap,
    plan: Plan,
) -> Result<(Exchange, AnswerHead), End> {
    let mut tried = Vec::new();
    let mut last = Reason::NoInstance;
    loop {
        let Some(claim) = connection.shared.pool.claim(&tried) else { return Err(End::Own(last)) };
        let key = claim.instance().key;
        flight.on_instance(key);
        let (link, fresh) = match claim.instance().idle_link(connection.worker) {
            Some(link) => (link, false),
            None => match open(connection, flight, &claim).await {
                Ok(link) => (link, true),
                Err(reason @ (Reason::OutOfFileDescriptors | Reason::Cut)) => return Err(End::Own(reason)),
                Err(reason) => {
                    tried.push(key);
                    last = reason;
                    continue;
                }
            },
        };
        let mut exchange = Exchange::new(claim, link, upload);
        let mut watch = true;
        let answered = poll_fn(|context| {
            match exchange.poll_answer(context, flight, stream, headers, plan.to_head_request) {
                Poll::Ready(answered) => Poll::Ready(answered.map_err(Some)),
                // A client that resets wants no answer: the instance is let go.
                Poll::Pending if poll_gone(connection, exchange.sent(), &mut watch, context) => {
                    Poll::Ready(Err(None))
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        let failure = match answered {
            Ok(answer) => return Ok((exchange, answer)),
            Err(None) => return Err(End::ClientGone),
            Err(Some(failure)) => failure,
        };
        if !matches!(failure, Failure::ClientBody) {
            exchange.failed();
            tracing::debug!(error = %failure, "no answer");
        }
        match (failure, exchange.into_unsent()) {
            (Failure::Unsent(_), Some(back)) => {
                upload = back;
                last = Reason::InstanceClosed;
                // A kept connection may have gone stale; a fresh one says something of the instance.
                if fresh {
                    tried.push(key);
                }
            }
            (failure, _) => return Err(End::Own(reason_of(&failure))),
        }
    }
}

pub(crate) async fn open(connection: &Connection, flight: &Flight, claim: &Claim) -> Result<Link, Reason> {
    flight.wait_for(Phase::Connect);
    let (pool, limit) = (&connection.shared.pool, connection.shared.config.limits.connect);
    let instance = claim.instance();
    let connect = || upstream::connect(instance.address, connection.worker, pool.idle_limit(), limit);
    let mut opened = connect().await;
    let mut tries = 0;
    // Idle clients make room. They take a moment.
    while let Err(ConnectError::OutOfFileDescriptors(_)) = opened
        && tries < TRIES
        && connection.shared.free_file_descriptors(1)
    {
        tries += 1;
        clock::sleep(A_MOMENT).await;
        opened = connect().await;
    }
    if flight.verdict() == Verdict::Cut {
        return Err(Reason::Cut);
    }
    opened.map_err(|error| {
        instance.failed.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, instance = instance.id, address = %instance.address, "no connection");
        match error {
            ConnectError::Timeout => Reason::ConnectTimeout,
            ConnectError::OutOfFileDescriptors(_) => Reason::OutOfFileDescriptors,
            ConnectError::Refused(_) => Reason::ConnectRefused,
        }
    })
}

pub(crate) fn reason_of(failure: &Failure) -> Reason {
    match failure {
        Failure::Unsent(_) | Failure::Closed(_) => Reason::InstanceClosed,
        Failure::Malformed => Reason::BadAnswer,
        Failure::ClientBody => Reason::BadBody,
        Failure::Judged(Verdict::BodyTimeout) => Reason::BodyTimeout,
        Failure::Judged(Verdict::AnswerTimeout) => Reason::AnswerTimeout,
        Failure::Judged(_) => Reason::Cut,
    }
}

/// What the proxy adds to an instance's headers.
pub(crate) fn finish_headers(
    connection: &Connection,
    version: Version,
    headers: &mut HeaderMap,
    instance: Option<&Instance>,
) {
    if connection.shared.config.version_header
        && let Some(value) = instance.and_then(|instance| instance.version_value.as_ref())
        && !headers.contains_key(VERSION)
    {
        headers.insert(VERSION, value.clone());
    }
    if version == Version::HTTP_10 {
        connection.notes.end_with_connection();
    }
    say_if_closing(connection, version, headers);
}

/// Draining, the proxy tells HTTP/1 clients to come back on another connection. HTTP/2 has GOAWAY for that.
fn say_if_closing(connection: &Connection, version: Version, headers: &mut HeaderMap) {
    let is_last = || connection.shared.draining_since().is_some() || connection.notes.ends_after_this();
    if version <= Version::HTTP_11 && is_last() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

pub(crate) fn own_answer(
    connection: &Connection,
    flight: Arc<Flight>,
    stream: Option<Stream>,
    version: Version,
    reason: Reason,
) -> Response<AnswerBody> {
    connection.shared.counters.count(reason);
    flight.on_instance(0);
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(reason::HEADER, HeaderValue::from_static(reason.as_str()));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if reason.status() == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if reason.status() == StatusCode::REQUEST_TIMEOUT && version <= Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    say_if_closing(connection, version, &mut headers);
    let text = Bytes::from(format!("{}\n", reason.as_str()));
    response(reason.status(), headers, AnswerBody::new(Source::Own(text), flight, stream))
}

pub(crate) fn response(status: StatusCode, headers: HeaderMap, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
