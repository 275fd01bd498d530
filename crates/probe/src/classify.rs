//! From the end of a connection to the one kind of drop that it was.

use std::error::Error;

use crate::fate::Kind;
use crate::transport::Meter;

/// How far an exchange had come when its connection ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    /// What the connection had carried before this request.
    read_before: u64,
    written_before: u64,
    body: u64,
    /// A head came, which is known of a stream even where bytes of several are mixed.
    pub(crate) head: bool,
}

impl Reached {
    pub(crate) fn start(meter: &Meter, body: usize) -> Self {
        Self { read_before: meter.read(), written_before: meter.written(), body: body as u64, head: false }
    }

    /// Nothing of the request has left.
    pub(crate) fn unwritten(&self, meter: &Meter) -> bool {
        meter.written() == self.written_before
    }

    /// The request's head is a few bytes at the least, so the body is out when more than its length is.
    fn written_whole(&self, meter: &Meter) -> bool {
        meter.written() - self.written_before > self.body
    }

    fn answered(&self, meter: &Meter) -> bool {
        self.head || meter.read() > self.read_before
    }
}

/// Of an HTTP/1 exchange (or a WebSocket's handshake) that failed.
pub(crate) fn http1(error: &hyper::Error, meter: &Meter, reached: &Reached) -> Kind {
    let incomplete = error.is_incomplete_message() || is_unexpected_end(error);
    if reached.answered(meter) {
        if meter.failed() {
            Kind::ResetAfterFirstByte
        } else if incomplete || (reached.head && !error.is_parse()) {
            Kind::Truncated
        } else {
            Kind::ProtocolError
        }
    } else if meter.write_failed() {
        Kind::WriteError
    } else if meter.failed() {
        if reached.written_whole(meter) { Kind::ResetBeforeFirstByte } else { Kind::WriteError }
    } else if error.is_parse() {
        Kind::ProtocolError
    } else {
        Kind::ClosedWithoutAnswer
    }
}

/// Of an HTTP/2 stream that failed.
pub(crate) fn http2(error: &hyper::Error, meter: &Meter, head: bool) -> Kind {
    if let Some(error) = source::<h2::Error>(error) {
        if error.is_go_away() {
            // What this side says goodbye to is what it did not understand.
            return if error.is_remote() { Kind::GoAway } else { Kind::ProtocolError };
        }
        if error.is_reset() {
            return if error.reason() == Some(h2::Reason::REFUSED_STREAM) {
                Kind::RefusedStream
            } else {
                Kind::StreamReset
            };
        }
        if !error.is_io() {
            return Kind::ProtocolError;
        }
    }
    match (meter.failed(), head) {
        (true, true) => Kind::ResetAfterFirstByte,
        (true, false) => Kind::ResetBeforeFirstByte,
        (false, true) => Kind::Truncated,
        (false, false) => Kind::ClosedWithoutAnswer,
    }
}

fn is_unexpected_end(error: &hyper::Error) -> bool {
    source::<std::io::Error>(error).is_some_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof)
}

fn source<E: Error + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut current: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        current = error.source();
    }
    None
}
