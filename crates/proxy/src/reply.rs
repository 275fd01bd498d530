//! What a client is told: the proxy's own answers, and what it adds to an instance's.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version, header};

use crate::body::{AnswerBody, Source};
use crate::downstream::{Connection, Stream};
use crate::instance::Instance;
use crate::operation::Operation;
use crate::reason::{self, Reason};
use crate::upstream::Failure;
use crate::verdict::Verdict;

const VERSION: HeaderName = HeaderName::from_static("segue-version");

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
    operation: Arc<Operation>,
    stream: Option<Stream>,
    version: Version,
    reason: Reason,
) -> Response<AnswerBody> {
    connection.shared.counters.count(reason);
    operation.on_instance(0);
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
    response(reason.status(), headers, AnswerBody::new(Source::Own(text), operation, stream))
}

pub(crate) fn response(status: StatusCode, headers: HeaderMap, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
