//! The body of an answer on its way to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::downstream::Socket;
use crate::flight::{Flight, Phase};
use crate::registry::Registered;
use crate::upstream::{Exchange, Failure, Multiplexed};

/// The body of an answer: an instance's, passed on as it comes, or the proxy's own.
///
/// While it lives the request is in flight; when it is dropped, only the last bytes are still to leave.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    source: Source,
    flight: Arc<Flight>,
    /// An HTTP/1.0 client's socket: only the connection's end tells it where the answer ends.
    reset: Option<Socket>,
    /// An HTTP/2 request's own place among the flights.
    _registered: Option<Registered>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one, and a box per request costs")]
enum Source {
    Own(Bytes),
    Instance(Exchange),
    Http2(Multiplexed),
}

impl AnswerBody {
    pub(crate) fn own(text: Bytes, flight: Arc<Flight>, registered: Option<Registered>) -> AnswerBody {
        AnswerBody { source: Source::Own(text), flight, reset: None, _registered: registered }
    }

    pub(crate) fn of_http2(
        body: Multiplexed,
        flight: Arc<Flight>,
        registered: Option<Registered>,
    ) -> AnswerBody {
        AnswerBody { source: Source::Http2(body), flight, reset: None, _registered: registered }
    }

    pub(crate) fn of_instance(
        exchange: Exchange,
        flight: Arc<Flight>,
        registered: Option<Registered>,
        reset: Option<Socket>,
    ) -> AnswerBody {
        AnswerBody { source: Source::Instance(exchange), flight, reset, _registered: registered }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        match &mut this.source {
            Source::Instance(exchange) => {
                let polled = exchange.poll_body(context, &this.flight);
                if let (Poll::Ready(Some(Err(_))), Some(socket)) = (&polled, &this.reset) {
                    socket.reset_on_close();
                }
                polled
            }
            Source::Http2(body) => body.poll_body(context, &this.flight),
            Source::Own(text) if text.is_empty() => Poll::Ready(None),
            Source::Own(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
        }
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
            Source::Http2(body) => body.size_hint(),
            Source::Own(text) => SizeHint::with_exact(text.len() as u64),
        }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.flight.on_instance(0);
        self.flight.enter(Phase::Flush);
    }
}
