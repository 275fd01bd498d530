//! The body of an answer on its way to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::downstream::{Held, Stream};
use crate::operation::{Operation, Phase};
use crate::upstream::{Exchange, Failure, Multiplexed};

/// The body of an answer: an instance's, passed on as it comes, or the proxy's own.
///
/// While it lives the request is in flight; when it is dropped, only the last bytes are still to leave.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    source: Source,
    operation: Arc<Operation>,
    /// What was read of the instance and is not handed over.
    kept: usize,
    /// The request's place on an HTTP/2 client's connection.
    stream: Option<Stream>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one, and a box per request costs")]
pub(crate) enum Source {
    Own(Bytes),
    Instance(Exchange),
    Http2(Multiplexed),
}

impl AnswerBody {
    pub(crate) fn new(source: Source, operation: Arc<Operation>, stream: Option<Stream>) -> AnswerBody {
        AnswerBody { source, operation, kept: 0, stream }
    }
}

impl Body for AnswerBody {
    type Data = Held;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Held>, Failure>>> {
        let this = &mut *self;
        let (operation, stream) = (&this.operation, this.stream.as_ref());
        let polled = match &mut this.source {
            Source::Instance(exchange) => exchange.poll_body(context, operation, stream),
            Source::Http2(body) => body.poll_body(context, operation, stream),
            Source::Own(text) if text.is_empty() => Poll::Ready(None),
            Source::Own(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
        };
        let Some(stream) = stream else {
            return polled.map_ok(|frame| frame.map_data(Held::from));
        };
        let polled = polled.map_ok(|frame| frame.map_data(|bytes| stream.hold(bytes)));
        if let Source::Instance(exchange) = &this.source {
            stream.keeps(this.kept, exchange.unread());
            this.kept = exchange.unread();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Instance(exchange) => exchange.is_over(),
            Source::Http2(body) => body.is_over(),
            Source::Own(text) => text.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Instance(exchange) => exchange.size_hint(),
            // Its head says it, if anything does.
            Source::Http2(_) => SizeHint::default(),
            Source::Own(text) => SizeHint::with_exact(text.len() as u64),
        }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream {
            stream.keeps(self.kept, 0);
        }
        self.operation.on_instance(0);
        self.operation.enter(Phase::Flush);
    }
}
