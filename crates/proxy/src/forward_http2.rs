//! One request to an instance that speaks HTTP/2 (gRPC), by the same rules as [`crate::forward`].
//!
//! Upgrades and `Expect` end here: HTTP/2 has neither. A request that such an instance refuses while it leaves
//! (GOAWAY, REFUSED_STREAM) is not told apart from one that it may have begun, and so is not tried again.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;

use crate::body::{AnswerBody, Source};
use crate::connecting::open;
use crate::downstream::{ClientGone, Connection, Stream, poll_gone};
use crate::hop;
use crate::instance::Claim;
use crate::operation::{Operation, Phase};
use crate::reason::Reason;
use crate::reply::{finish_headers, own_answer, reason_of, response};
use crate::request;
use crate::upstream::{Failure, Multiplexed, SharedLink, UploadBody};
use crate::verdict::Verdict;

/// Carries a request; an error means that nobody is there to read an answer.
pub(crate) async fn forward_http2(
    connection: Arc<Connection>,
    operation: Arc<Operation>,
    stream: Option<Stream>,
    parts: Parts,
    body: Option<Incoming>,
) -> Result<Response<AnswerBody>, ClientGone> {
    let version = parts.version;
    let sent = match request::for_http2(parts, &connection.origin) {
        Ok(request) => send(&connection, &operation, request.map(|()| UploadBody(body))).await,
        Err(reason) => Ok(Err(reason)),
    };
    match sent? {
        Err(reason) => Ok(own_answer(&connection, operation, stream, version, reason)),
        Ok((claim, answer)) => {
            let (parts, body) = answer.into_parts();
            let mut headers = parts.headers;
            for name in hop::named_by_connection(&headers) {
                headers.remove(name);
            }
            finish_headers(&connection, version, &mut headers, Some(claim.instance()));
            let body = Multiplexed::new(body, claim);
            Ok(response(parts.status, headers, AnswerBody::new(Source::Http2(body), operation, stream)))
        }
    }
}

type Sent = Result<(Claim, Response<Incoming>), Reason>;

async fn send(
    connection: &Connection,
    operation: &Arc<Operation>,
    mut request: Request<UploadBody>,
) -> Result<Sent, ClientGone> {
    let (mut tried, mut last) = (Vec::new(), Reason::NoInstance);
    loop {
        let Some(claim) = connection.shared.pool.claim(&tried) else { return Ok(Err(last)) };
        let key = claim.instance().key;
        operation.on_instance(key);
        let mut link = match shared_link(connection, operation, &claim).await {
            Ok(link) => link,
            Err(reason @ (Reason::OutOfFileDescriptors | Reason::Cut)) => return Ok(Err(reason)),
            Err(reason) => {
                tried.push(key);
                last = reason;
                continue;
            }
        };
        operation.enter(Phase::Answer);
        // While hyper reads a body it sees by itself that the client is gone.
        let mut watch = request.body().0.is_none();
        let mut sending = pin!(link.send(request));
        let answered = poll_fn(|context| {
            if let Poll::Ready(answered) = sending.as_mut().poll(context) {
                return Poll::Ready(Ok(answered));
            }
            match operation.poll_verdict(context) {
                verdict @ (Verdict::Cut | Verdict::AnswerTimeout) => Poll::Ready(Err(Some(verdict))),
                _ if poll_gone(connection, true, &mut watch, context) => Poll::Ready(Err(None)),
                _ => Poll::Pending,
            }
        })
        .await;
        let (failure, back) = match answered {
            Ok(Ok(answer)) => return Ok(Ok((claim, answer))),
            Ok(Err(failed)) => failed,
            Err(Some(verdict)) => (Failure::Judged(verdict), None),
            Err(None) => return Err(ClientGone),
        };
        if !matches!(failure, Failure::ClientBody) {
            claim.instance().failed.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(error = %failure, "no answer");
        }
        let Some(back) = back else { return Ok(Err(reason_of(&failure))) };
        request = back;
        last = Reason::InstanceClosed;
        tried.push(key);
    }
}

async fn shared_link(
    connection: &Connection,
    operation: &Operation,
    claim: &Claim,
) -> Result<SharedLink, Reason> {
    if let Some(link) = claim.instance().shared_link(connection.worker) {
        return Ok(link);
    }
    let link = open(connection, operation, claim).await?;
    let link = SharedLink::over(link).await.map_err(|error| {
        claim.instance().failed.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, instance = claim.instance().id, "it does not speak HTTP/2");
        Reason::BadAnswer
    })?;
    claim.instance().share(link.clone());
    Ok(link)
}
