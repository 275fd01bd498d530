//! One request from the client's side to an instance and its answer back.
//!
//! A request goes to another instance only while not a byte of it has left: nobody can have acted on it then.
//! Whatever fails later is told to the client, never tried again silently.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use crate::body::{AnswerBody, Source};
use crate::config::Protocol;
use crate::connecting::open;
use crate::downstream::{ClientGone, Connection, Stream, poll_gone};
use crate::forward_http2::forward_http2;
use crate::operation::Operation;
use crate::reason::Reason;
use crate::reply::{finish_headers, own_answer, reason_of, response};
use crate::request::{self, Plan};
use crate::tunnel;
use crate::upstream::{self, AnswerHead, Exchange, Failure, Upload};

/// Carries a request; an error means that nobody is there to read an answer.
pub(crate) async fn forward(
    connection: Arc<Connection>,
    operation: Arc<Operation>,
    stream: Option<Stream>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, ClientGone> {
    if stream.is_some() {
        // What came with the request is seen first: that it was taken back, for one.
        once_again().await;
    }
    operation.begin();
    let shared = &connection.shared;
    shared.counters.requests.fetch_add(1, Ordering::Relaxed);
    let version = request.version();
    if version <= Version::HTTP_11
        && let Some(reason) = connection.notes.refusal()
    {
        let mut answer = own_answer(&connection, operation, stream, version, reason);
        // Where its body ends, others may see in another place.
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return Ok(answer);
    }
    if version == Version::HTTP_2 && list_size(&request) > shared.config.limits.header_bytes {
        return Ok(own_answer(&connection, operation, stream, version, Reason::HeaderTooLarge));
    }
    let (mut parts, body) = request.into_parts();
    let upgrading = parts.extensions.remove::<OnUpgrade>();
    let body = Some(body).filter(|body| !http_body::Body::is_end_stream(body));
    if shared.pool.protocol() == Protocol::Http2 {
        return Box::pin(forward_http2(connection.clone(), operation, stream, parts, body)).await;
    }

    let mut head = upstream::scratch();
    let planned = request::encode(&mut head, &parts, body.is_some(), &connection.origin);
    // The answer's headers go where the request's were: hyper uses the same map again for the next request.
    let mut headers = std::mem::take(&mut parts.headers);
    drop(parts);
    let plan = match planned {
        Ok(plan) => plan,
        Err(reason) => return Ok(own_answer(&connection, operation, stream, version, reason)),
    };
    let hold = plan.expects.then_some(shared.config.limits.expect);
    let upload = Upload::new(head, body, plan.framing, hold);

    let (mut exchange, answer) =
        match send(&connection, &operation, stream.as_ref(), upload, &mut headers, plan).await {
            Ok(sent) => sent,
            Err(End::ClientGone) => return Err(ClientGone),
            Err(End::Own(reason)) => {
                return Ok(own_answer(&connection, operation, stream, version, reason));
            }
        };
    finish_headers(&connection, version, &mut headers, exchange.instance());
    if answer.status == StatusCode::SWITCHING_PROTOCOLS {
        let Some(client) = upgrading.filter(|_| plan.upgrade) else {
            return Ok(own_answer(&connection, operation, stream, version, Reason::BadAnswer));
        };
        let is_websocket = headers
            .get(header::UPGRADE)
            .is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(b"websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        connection.notes.upgrade();
        tunnel::spawn(connection, exchange, client, is_websocket);
        let body = AnswerBody::new(Source::Own(Bytes::new()), operation, stream);
        return Ok(response(StatusCode::SWITCHING_PROTOCOLS, headers, body));
    }
    exchange.settle();
    let body = AnswerBody::new(Source::Instance(exchange), operation, stream);
    Ok(response(answer.status, headers, body))
}

/// The size of an HTTP/2 request's head as RFC 9113 section 6.5.2 counts it, but for the names of what HTTP/1 has in
/// its first line.
fn list_size<B>(request: &Request<B>) -> usize {
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
    operation: &Arc<Operation>,
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
        operation.on_instance(key);
        let (link, fresh) = match claim.instance().idle_link(connection.worker) {
            Some(link) => (link, false),
            None => match open(connection, operation, &claim).await {
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
            match exchange.poll_answer(context, operation, stream, headers, plan.to_head_request) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_as_large_as_its_target_its_host_and_its_fields_with_32_for_each() {
        for (target, fields, size) in [
            ("/", &[][..], 1),
            ("http://host/path?query", &[], 11 + 4),
            ("http://host/", &[("a", "")], 1 + 4 + 33),
            ("http://host/", &[("name", "value"), ("name", "other one")], 1 + 4 + 41 + 45),
        ] {
            let asking = Request::get(target);
            let asking = fields.iter().fold(asking, |asking, (name, value)| asking.header(*name, *value));
            assert_eq!(list_size(&asking.body(()).unwrap()), size, "{target} {fields:?}");
        }
    }
}
